package source

import (
	"encoding/json"
	"testing"
)

func TestID(t *testing.T) {
	for _, text := range []string{"", "/", "a", "a.hosts:7", "/subscriptions/0/a/pe", `C:\a.hosts:7`, "pe/", "record :1"} {
		t.Run(text, func(t *testing.T) {
			id := IDOf(text)
			if id.String() != text || id != IDOf(text) || text != "" && id == IDOf(text+"x") {
				t.Errorf("IDOf(%q) = %q; want the text, and equality with itself only", text, id)
			}
			var again Entry
			data, err := json.Marshal(Entry{FQDN: "a.", Endpoint: id, Target: id})
			if err != nil || json.Unmarshal(data, &again) != nil || again.Endpoint != id || again.Target != id {
				t.Errorf("through JSON, it is %q and %q: %v", again.Endpoint, again.Target, err)
			}
		})
	}
}
