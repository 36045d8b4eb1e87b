package value

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestValues(t *testing.T) {
	number := func(args string) (any, error) { return Number(args, 1, 9) }
	duration := func(args string) (any, error) { return Duration(args, time.Second, time.Minute, "60s or 5m") }
	one := func(args string) (any, error) { return One(strings.Fields(args)) }
	none := func(args string) (any, error) { return "nothing", None(strings.Fields(args)) }
	unknown := func(name string) (any, error) { return name, Unknown(name, []string{"stale", "prefetch"}) }
	for _, tt := range []struct {
		parse      func(string) (any, error)
		args, want string
	}{
		{number, "1", "1 <nil>"},
		{number, "9", "9 <nil>"},
		{number, "0", "0 0 is below the minimum of 1"},
		{number, "10", "0 10 is above the maximum of 9"},
		{number, "many", `0 "many" is not a number`},
		{duration, "1s", "1s <nil>"},
		{duration, "1m", "1m0s <nil>"},
		{duration, "999ms", "0s 999ms is below the minimum of 1s"},
		{duration, "61s", "0s 61s is above the maximum of 1m"},
		{duration, "60", `0s "60" is not a duration, such as 60s or 5m`},
		{one, "a", "a <nil>"},
		{one, "", " no value, one is expected"},
		{one, "a b", " 2 values, one is expected"},
		{none, "", "nothing <nil>"},
		{none, "a", "nothing 1 value, none is expected"},
		{unknown, "state", "state unknown property, do you mean stale? The known ones are prefetch, stale"},
		{unknown, "PREFETCH", "PREFETCH unknown property, do you mean prefetch? The known ones are prefetch, stale"},
		{unknown, "size", "size unknown property, the known ones are prefetch, stale"},
	} {
		got, err := tt.parse(tt.args)
		if text := fmt.Sprint(got, " ", err); text != tt.want {
			t.Errorf("%q = %s; want %s", tt.args, text, tt.want)
		}
	}
}
