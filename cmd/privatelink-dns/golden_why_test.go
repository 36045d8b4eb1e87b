package main

import (
	"os"
	"path/filepath"
	"testing"
)

const whyCorefile = `. {
    privatelink {
        files why.json
        vnet vnet-hub
    }
    upstream . 168.63.129.16
}
`

// unreadCorefile has a source that does not exist.
const unreadCorefile = `. {
    privatelink {
        files missing/*.json
    }
    upstream . 168.63.129.16
}
`

// blobCorefile has a server block for a part of the names.
const blobCorefile = `blob.core.windows.net backup.windowsazure.com {
    privatelink {
        files why.json
    }
    upstream . 168.63.129.16
}
`

// The command why, from the files alone, for each cause.
func TestGoldenWhy(t *testing.T) {
	golden, err := filepath.Abs("testdata/golden")
	if err != nil {
		t.Fatal(err)
	}
	world, err := os.ReadFile("testdata/why.json")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	inputs := map[string]string{"why.json": string(world), "Corefile": whyCorefile, "Corefile.unread": unreadCorefile, "Corefile.blob": blobCorefile}
	for name, text := range inputs {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ name, args string }{
		{"help", "-h"},
		{"zone-name", "wepod01ecs1.privatelink.blob.core.windows.net"},
		{"public-name", "WEpod01ECS1.blob.core.windows.net."},
		{"vault-name", "1234567890123456789-ab-pod01-fc1.we.backup.windowsazure.com"},
		{"dns-zone-endpoint", "wepod01ecs1.z12.blob.storage.azure.net"},
		{"address", "10.20.0.4"},
		{"address-of-two", "10.20.0.5"},
		{"address-of-none", "10.20.0.99"},
		{"pending", "pending.privatelink.blob.core.windows.net"},
		{"pending-vault", "wepod01new.blob.core.windows.net"},
		{"pending-vault-name", "9876543210987654321-ab-pod01-fc1.privatelink.we.backup.windowsazure.com"},
		{"strict", "9876543210987654321-ab-pod01-fc1.we.backup.windowsazure.com"},
		{"rejected", "rejected.blob.core.windows.net"},
		{"provisioning", "updating.blob.core.windows.net"},
		{"no-dns-configuration", "grouped.queue.core.windows.net"},
		{"other-vnet", "spoke.blob.core.windows.net"},
		{"bad-address", "wepod01bad.blob.core.windows.net"},
		{"outside-zones", "sql-we.database.windows.net"},
		{"pending-outside-zones", "kv-we.vault.azure.net"},
		{"outside-zones-unknown", "share.file.core.windows.net"},
		{"never-seen", "other.blob.core.windows.net"},
		{"foreign", "www.example.com"},
		{"zone", "privatelink.blob.core.windows.net"},
		{"unread", "wepod01ecs1.blob.core.windows.net -conf Corefile.unread"},
		{"no-server-block", "wepod01ecs1.queue.core.windows.net -conf Corefile.blob"},
		{"several", "wepod01ecs1.blob.core.windows.net other.blob.core.windows.net"},
		{"json", "-json pending.blob.core.windows.net"},
		{"files", "-files why.json wepod01ecs1.blob.core.windows.net"},
		{"unquoted", "-files why.json why.json wepod01ecs1.blob.core.windows.net"},
		{"no-name", ""},
		{"not-a-name", "https://wepod01ecs1.blob.core.windows.net/"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			compare(t, filepath.Join(golden, "why-"+tt.name+".txt"), transcript(t, "why "+tt.args))
		})
	}
}
