package validate

import (
	"strings"
	"testing"
)

// A block with a longer zone gets the queries, and has no record or other ones.
func TestSelection(t *testing.T) {
	inFolder(t)
	const (
		plain    = "bind 127.0.0.1\nupstream . 127.0.0.1:1"
		remedy   = ": add privatelink with the same sources to that block, or remove it\n"
		first    = "error: Corefile:2: queries for a.blob.core.windows.net"
		lostBlob = first + " and 3 more names get to the server block "
		noRecord = ", which has no record with their addresses"
		notAll   = "valid, but not all names are served as they should be: 1 error\n"
		forwards = " forwards without privatelink: a CNAME chain to a served name ends in a public address there: " +
			"add privatelink with the same sources to that block\nvalid, 1 warning\n"
	)
	main := forRoot("files a.json")
	local := ". {\nprivatelink {\nfiles a.json\n}\nbind 127.0.0.1\n}\n"
	block := func(key string, lines ...string) string { return key + " {\n" + strings.Join(lines, "\n") + "\n}\n" }
	for _, tt := range []struct {
		name, corefile string
		status         int
		want           string // the end of stdout
	}{
		{"another address", local + block("blob.core.windows.net", "bind 127.0.0.2", "upstream . 127.0.0.1:1"), 0, "valid\n"},
		{"the same address", local + block("blob.core.windows.net", plain), 1, lostBlob + "blob.core.windows.net" + noRecord + remedy + notAll},
		{"all addresses", main + block("blob.core.windows.net:53", "upstream . 127.0.0.1:1"), 1, lostBlob + "blob.core.windows.net:53" + noRecord + remedy + notAll},
		{"all addresses, in two spellings", main + block("blob.core.windows.net", "bind ::"), 1, lostBlob + "blob.core.windows.net" + noRecord + remedy + notAll},
		{"one of all addresses", main + block("blob.core.windows.net", plain), 1, lostBlob + "blob.core.windows.net" + noRecord + remedy + notAll},
		{"all addresses beside one", local + block("blob.core.windows.net", "upstream . 127.0.0.1:1"), 0, "valid\n"},
		{"another port", main + block("blob.core.windows.net:54", "upstream . 127.0.0.1:1"), 0, "valid\n"},
		{"another transport", main + block("https://blob.core.windows.net:53", "upstream . 127.0.0.1:1"), 0, "valid\n"},
		{"the same transport", serving("tls://.", "files a.json") + block("tls://blob.core.windows.net:853"), 1,
			lostBlob + "tls://blob.core.windows.net:853" + noRecord + remedy + notAll},
		{"one name", main + block("a.blob.core.windows.net", "upstream . 127.0.0.1:1"), 1,
			first + " get to the server block a.blob.core.windows.net" + noRecord + remedy + notAll},
		{"another name", main + block("x.blob.core.windows.net"), 0, "valid\n"},
		{"the zone of the records", main + block("example.org privatelink.blob.core.windows.net"), 1,
			"queries for a.privatelink.blob.core.windows.net and 1 more name get to the server block example.org privatelink.blob.core.windows.net" +
				noRecord + remedy + notAll},
		{"all names", main + block("windows.net storage.azure.net"), 1,
			first + " and 4 more names get to the server block windows.net storage.azure.net" +
				noRecord + remedy + notAll},
		{"two blocks", main + block("blob.core.windows.net") + block("blob.storage.azure.net"), 1, "should be: 2 errors\n"},
		{"a block with view", main + block("blob.core.windows.net", "view v"), 0, "valid\n"},
		{"names of a block with view", block(".", "privatelink {\nfiles a.json\n}", "view v") + block("blob.core.windows.net"), 1,
			lostBlob + "blob.core.windows.net" + noRecord + remedy + notAll},
		{"an imported block", "(s) {\nbind 127.0.0.1\n}\n" + local + block("blob.core.windows.net", "import s"), 1,
			"the server block blob.core.windows.net" + noRecord + remedy + notAll},
		{"the same records", main + serving("blob.core.windows.net", "files a.json"), 0, "valid\n"},
		{"other records", main + serving("blob.core.windows.net", "record x.blob.core.windows.net 10.0.0.1"), 1,
			noRecord + ": add the same sources to privatelink of that block, or remove it\n" + notAll},
		{"other addresses", main + serving("blob.core.windows.net", "record a.blob.core.windows.net 10.0.0.1", "record b.blob.core.windows.net 10.0.0.1"), 1, notAll},
		{"records that Azure may have", main + serving("blob.core.windows.net", azureLine), 0, "valid\n"},
		{"a file that may have them", main + serving("blob.core.windows.net", "files later.json", "record x.blob.core.windows.net 10.0.0.1"), 0, "valid, 1 warning\n"},
		{"a block below that one has the records", main + block("windows.net storage.azure.net") + serving("core.windows.net blob.storage.azure.net", "files a.json"), 0, "valid\n"},

		{"a block that forwards", main + block("corp.example", "upstream . 127.0.0.1:1"), 0, "warning: Corefile:2: the server block corp.example" + forwards},
		{"a block that forwards, for all names", serving("core.windows.net storage.azure.net", "files a.json") + block(".", "upstream . 127.0.0.1:1"), 0, "the server block ." + forwards},
		{"a block that forwards, beside two", main + serving("a.example", "files a.json") + block("b.example", "upstream . 127.0.0.1:1"), 0, "the server block b.example" + forwards},
		{"a block that forwards at another address", local + block("corp.example", "bind 127.0.0.2", "upstream . 127.0.0.1:1"), 0, "valid\n"},
		{"a block that forwards reverse names", main + block("10.0.0.0/8", "upstream . 127.0.0.1:1"), 0, "valid\n"},
		{"a block that does not forward", main + block("corp.example"), 0, "valid\n"},
		{"a block with view that forwards", main + block("corp.example", "view v", "upstream . 127.0.0.1:1"), 0, "valid\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if status, stdout, stderr := run(t, tt.corefile, ""); status != tt.status || !strings.HasSuffix(stdout, tt.want) || stderr != "" {
				t.Errorf("%s\nstatus %d, stdout\n%s\nstderr\n%s\nwant %d,\n%s", tt.corefile, status, stdout, stderr, tt.status, tt.want)
			}
		})
	}
}
