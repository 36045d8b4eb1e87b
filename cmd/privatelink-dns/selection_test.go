package main

import (
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/corefile"
)

func TestSelections(t *testing.T) {
	const private = ". {\nprivatelink {\nfiles a.json\n}\n}\n"
	for _, tc := range []struct{ name, text, want string }{
		{"one block", private, ""},
		{"a longer zone", private + "blob.core.windows.net {\nforward . 10.0.0.1\n}\n", "blob.core.windows.net"},
		{"a zone above", private + "windows.net {\nforward . 10.0.0.1\n}\n", "windows.net"},
		{"one account", private + "a.blob.core.windows.net {\nforward . 10.0.0.1\n}\n", "a.blob.core.windows.net"},
		{"a zone of Backup", private + "privatelink.we.backup.windowsazure.com {\nforward . 10.0.0.1\n}\n", "privatelink.we.backup.windowsazure.com"},
		{"another name", private + "corp.example {\nforward . 10.0.0.1\n}\n", ""},
		{"a zone that is not served", private + "database.windows.net {\nforward . 10.0.0.1\n}\n", ""},
		{"a zone that is listed", ". {\nprivatelink privatelink.database.windows.net\n}\ndatabase.windows.net {\nforward . 10.0.0.1\n}\n", "database.windows.net"},
		{"with privatelink as well", private + "blob.core.windows.net {\nprivatelink\n}\n", ""},
		{"another port", private + "blob.core.windows.net:54 {\nforward . 10.0.0.1\n}\n", ""},
		{"another transport", private + "tls://blob.core.windows.net {\nforward . 10.0.0.1\n}\n", ""},
		{"another address", ". {\nbind 127.0.0.1\nprivatelink\n}\nblob.core.windows.net {\nbind 127.0.0.2\nforward . 10.0.0.1\n}\n", ""},
		{"one of all addresses", private + "blob.core.windows.net {\nbind 127.0.0.2\nforward . 10.0.0.1\n}\n", "blob.core.windows.net"},
		{"another cloud", private + "usgovcloudapi.net {\nforward . 10.0.0.1\n}\n", ""},
		{"its cloud", ". {\nprivatelink {\ncloud usgov\n}\n}\nusgovcloudapi.net windows.net {\nforward . 10.0.0.1\n}\n", "usgovcloudapi.net"},
		{"view", private + "blob.core.windows.net {\nview a {\nexpr true\n}\nforward . 10.0.0.1\n}\n", ""},
		{"a shorter zone", "blob.core.windows.net {\nprivatelink\n}\n. {\nforward . 10.0.0.1\n}\n", ""},
	} {
		got := ""
		for _, text := range selections(corefile.Input("Corefile", []byte(tc.text))) {
			got += strings.Fields(strings.TrimPrefix(text, "Queries for names below "))[0]
		}
		if got != tc.want {
			t.Errorf("%s: %q; want %q", tc.name, got, tc.want)
		}
	}
}
