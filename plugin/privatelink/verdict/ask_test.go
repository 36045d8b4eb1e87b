package verdict

import (
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/ledger"
)

// A name is explained by the blocks that get queries for it.
func TestAsk(t *testing.T) {
	book := newBook(true, worldList())
	block := func(position, listen string, origins ...dnsname.Name) Block {
		return Block{Position: position, Origins: origins, Listen: []string{listen}, Explainer: book}
	}
	root, blob := block("root", ":53", "."), block("blob", ":53", "blob.core.windows.net.")
	other, queue := block("other", ":54", "blob.core.windows.net."), block("queue", ":53", "queue.core.windows.net.", "example.com.")
	for _, tt := range []struct {
		name, question string
		blocks         []Block
		want           string // positions and kinds
	}{
		{"the only block", "one.blob.core.windows.net", []Block{root}, "root served"},
		{"upper case, a dot and blanks", " ONE.blob.core.windows.net. ", []Block{root}, "root served"},
		{"the longest origin at an address", "one.blob.core.windows.net", []Block{root, blob}, "blob served"},
		{"the same, in the zone", "one.privatelink.blob.core.windows.net", []Block{root, blob}, "blob served"},
		{"two addresses", "one.blob.core.windows.net", []Block{root, other}, "root served, other served"},
		{"no block", "one.blob.core.windows.net", []Block{queue}, "queue no_server_block add blob.core.windows.net"},
		{"no block, in the zone", "v1-ab-pod01-fc1.privatelink.we.backup.windowsazure.com", []Block{queue}, "queue no_server_block add we.backup.windowsazure.com"},
		{"no block, a DNS zone endpoint", "one.z1.blob.storage.azure.net", []Block{queue}, "queue no_server_block add z1.blob.storage.azure.net"},
		{"no block, a name without a parent", "com", []Block{queue}, "queue no_server_block add . to the server block with privatelink, which is for queue.core.windows.net, example.com"},
		{"an address", "10.0.0.1", []Block{blob}, "blob served"},
		{"an address in IPv6 form", "::ffff:10.0.0.1", []Block{blob}, "blob served"},
		{"the reverse name of an address", "1.0.0.10.in-addr.arpa", []Block{blob}, "blob served"},
		{"an address that no record has", "10.9.9.9", []Block{root}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found, err := Ask(tt.blocks, tt.question)
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, f := range found.Found {
				text := f.Block + " " + f.Kind.String()
				if f.Kind == NoBlock {
					text += " " + f.Remedy
				}
				all = append(all, text)
			}
			if got := strings.Join(all, ", "); got != tt.want && (!strings.HasPrefix(got, tt.want) || !strings.Contains(tt.want, " add ")) {
				t.Errorf("Ask(%s) = %s; want %s", tt.question, got, tt.want)
			}
		})
	}
	for _, question := range []string{"", "a..b", "a b", "*.*.x", strings.Repeat("a", 400), "https://one.blob.core.windows.net/", "10.0.0.0/8"} {
		if _, err := Ask([]Block{root}, question); err == nil {
			t.Errorf("Ask(%.20q) has no error", question)
		}
	}
}

// A protected name has no public answer.
func TestAskProtected(t *testing.T) {
	book := newBook(true, worldList())
	for _, tt := range []struct {
		question string
		grade    ledger.Grade // that is protected
		want     Answer
	}{
		{"pending.blob.core.windows.net", ledger.Known, ServFail},
		{"pending.blob.core.windows.net", ledger.Backup, Upstream},
		{"abcdepod01ecs9.blob.core.windows.net", ledger.Backup, ServFail},
		{"other.blob.core.windows.net", ledger.Known, Upstream},
		{"v2-ab-pod01-fc1.privatelink.we.backup.windowsazure.com", ledger.Backup, NXDomain},
		{"one.blob.core.windows.net", ledger.Known, Private},
	} {
		found, err := Ask([]Block{{Origins: []dnsname.Name{"."}, Protect: map[ledger.Grade]bool{tt.grade: true}, Explainer: book}}, tt.question)
		if err != nil || len(found.Found) != 1 || found.Found[0].Answer != tt.want {
			t.Errorf("%s, %v: %+v, %v; want %s", tt.question, tt.grade, found.Found, err, tt.want)
		}
	}
}
