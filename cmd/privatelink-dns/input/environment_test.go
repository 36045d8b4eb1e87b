package input

import (
	"slices"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/corefile"
)

func TestUnset(t *testing.T) {
	t.Setenv("SET_IN_TEST", "")
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"none", ". {\n}\n", nil},
		{"set to nothing", ".:{$SET_IN_TEST} {\n}\n", nil},
		{"not set", ".:53 {\n    bind {$NOT_SET_IN_TEST}\n}\n", []string{"Corefile:2: the environment variable NOT_SET_IN_TEST is not set, so that {$NOT_SET_IN_TEST} is empty: set it as for the server"}},
		{"as Windows writes it", "{%NOT_SET_IN_TEST%}\n", []string{"Corefile:1: the environment variable NOT_SET_IN_TEST is not set, so that {%NOT_SET_IN_TEST%} is empty: set it as for the server"}},
		{"twice", "{$NOT_SET_IN_TEST} {$NOT_SET_IN_TEST}\n", []string{"Corefile:1: the environment variable NOT_SET_IN_TEST is not set, so that {$NOT_SET_IN_TEST} is empty: set it as for the server"}},
		{"in a comment", "# {$NOT_SET_IN_TEST}\n. { # {$NOT_SET_IN_TEST}\n}\n", nil},
	} {
		if got := unset(corefile.Input("Corefile", []byte(tt.text))); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q; want %q", tt.name, got, tt.want)
		}
	}
}
