package records

import (
	"bytes"
	"strings"
	"testing"

	"github.com/privatelink-dns/privatelink-dns/cmd/privatelink-dns/command"
)

func TestDiff(t *testing.T) {
	inFolder(t)
	const (
		all = "- " + blobA + " 10.20.0.99\n+ " + blobA + " 10.20.0.4\n" +
			"+ b.privatelink.blob.core.windows.net 10.20.0.6\n- gone.privatelink.queue.core.windows.net 10.20.0.7\n"
		removed = `{"change":"removed","zone":"privatelink.blob.core.windows.net","name":"` + blobA + `","type":"A","address":"10.20.0.99"`
	)
	for _, tt := range []struct {
		name, args     string
		status         int
		stdout, stderr string // parts; "-" is nothing
	}{
		{"same", "-diff files:a.json", 0, "-", "-"},
		{"another TTL is the same", "-files a.json -diff conf:Corefile", 0, "-", "-"},
		{"export of before", "-diff files:old.json", 1, all, "-"},
		{"the other way round", "-files old.json -diff conf:Corefile", 1, "- a.privatelink.blob.core.windows.net 10.20.0.4\n+ a.privatelink.blob.core.windows.net 10.20.0.99\n- b.", "-"},
		{"one zone", "-diff files:old.json -zone privatelink.queue.core.windows.net", 1, "- gone.privatelink.queue.core.windows.net 10.20.0.7\n", "-"},
		{"a zone that one side has", "-diff files:empty.json -zone privatelink.we.backup.windowsazure.com", 1, "+ " + fc1 + " 10.20.0.5\n", "-"},
		{"a zone that no side has", "-diff state:state -zone privatelink.x.net", 2, "-", "p records: -zone: privatelink.x.net is not one of the zones: "},
		{"state", "-diff state:state -zone privatelink.blob.core.windows.net", 1, "- a.privatelink.blob.core.windows.net 10.20.0.3\n+ a.privatelink.blob.core.windows.net 10.20.0.4\n", "-"},
		{"hosts", "-diff hosts:a.hosts -zone privatelink.blob.core.windows.net", 1, "+ a.privatelink.blob.core.windows.net fd00:20::4\n+ b.", "-"},
		{"a zone without a record", "-diff hosts:a.hosts -zone privatelink.queue.core.windows.net", 2, "-", "p records: neither side has a record in the zone privatelink.queue.core.windows.net: check "},
		{"no record at all", "-files empty.json -diff files:pend.json", 2, "-", "p records: neither side has a record: check "},
		{"files have the Corefile's zones", "-conf kv -diff hosts:kv.hosts", 0, "-", "-"},
		{"and as the main input, too", "-hosts kv.hosts -diff conf:kv", 0, "-", "-"},
		{"json", "-diff files:old.json -format json", 1, "[\n" + removed, "-"},
		{"json of nothing", "-diff files:a.json -format json", 0, "[\n]\n", "-"},
		{"a broken side", "-diff files:broken.json", 2, "-", "p records: files broken.json: broken.json: line 1"},
		{"a broken main side", "-files broken.json -diff files:a.json", 2, "-", "p records: files broken.json: broken.json: line 1"},
		{"no such state", "-diff state:x", 2, "-", "p records: stat x: no such file or directory\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, stdout, stderr := run(t, tt.args)
			if status != tt.status || !has(stdout, tt.stdout) || !has(stderr, tt.stderr) {
				t.Errorf("records %s: status %d, stdout\n%s\nstderr\n%s\nwant %d,\n%s\n%s", tt.args, status, stdout, stderr, tt.status, tt.stdout, tt.stderr)
			}
		})
	}
}

func TestDiffInColours(t *testing.T) {
	inFolder(t)
	var stdout bytes.Buffer
	args := strings.Fields("records -diff files:old.json -zone privatelink.blob.core.windows.net")
	command.Main(t.Context(), "p", []command.Command{Command}, args, command.Output{Stdout: &stdout, Stderr: t.Output(), Color: true})
	if want := "\x1b[31m- " + blobA + " 10.20.0.99\x1b[0m\n\x1b[32m+ " + blobA + " 10.20.0.4\x1b[0m\n"; !strings.HasPrefix(stdout.String(), want) {
		t.Errorf("%q; want %q", stdout.String(), want)
	}
}
