package syncer

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/metrics"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// A subscription full of other services must not flood the log.
func TestLogIsBounded(t *testing.T) {
	var out bytes.Buffer
	logTo(t, &out)
	list := listOf()
	for i := range 1000 {
		list.Skipped = append(list.Skipped, source.Skip{Endpoint: fmt.Sprint("/pe/", i), Reason: source.BadName, Detail: "bad"})
	}
	f := newFake(t.Name())
	f.next.Store(&fetched{list, nil})
	serve(t, NewProcess(), f)
	if n := strings.Count(out.String(), "\n"); n != maxLines+1 || !strings.Contains(out.String(), "980 more findings like these") {
		t.Errorf("%d lines:\n%s", n, out.String())
	}
}

// entries returns names of endpoints, one each.
func entries(n int, format string) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf(format+". 10.0.0.1", i))
	}
	return all
}

// All names outside of the zones are one finding. It names the zones to add.
func TestOutsideZones(t *testing.T) {
	const (
		such  = ", which are in none of the zones, such as "
		add   = ": to serve them, add "
		zones = " to the zones of privatelink"
		five  = "privatelink.s0.example privatelink.s1.example privatelink.s2.example privatelink.s3.example privatelink.s4.example"
	)
	sql := entries(40, "sql%02d.database.windows.net")
	for _, tc := range []struct {
		name    string
		entries []string
		want    string
	}{
		{"one", sql[:1], "skipped /pe/sql00.database.windows.net.: sql00.database.windows.net is in none of the zones" + add + "privatelink.database.windows.net" + zones},
		{"forty", sql, "skipped 40 names of 40 endpoints" + such + "sql00.database.windows.net" + add + "privatelink.database.windows.net" + zones},
		{"of one endpoint", []string{"a.cassandra.example. 10.0.0.1 from=/pe", "b.cassandra.example. 10.0.0.1 from=/PE"},
			"skipped 2 names of one endpoint" + such + "a.cassandra.example" + add + "privatelink.cassandra.example" + zones},
		{"two services, the larger one first", append(entries(2, "kv%d.vault.azure.net"), sql[:5]...),
			"skipped 7 names of 7 endpoints" + such + "kv0.vault.azure.net" + add + "privatelink.database.windows.net privatelink.vaultcore.azure.net" + zones},
		{"another cloud", entries(2, "st%d.blob.core.usgovcloudapi.net"),
			"skipped 2 names of 2 endpoints" + such + "st0.blob.core.usgovcloudapi.net: set cloud usgov, because these are names of that cloud"},
		{"many services", entries(9, "x.s%d.example"), "skipped 9 names of 9 endpoints" + such + "x.s0.example" + add + five + " and 4 more zones" + zones + ", or the word all"},
		{"misspelt", []string{"a.blob.core.window.net. 10.0.0.1"},
			"skipped /pe/a.blob.core.window.net.: a.blob.core.window.net is in none of the zones, do you mean privatelink.blob.core.windows.net?"},
		{"misspelt in two ways", []string{"a.blob.core.window.net. 10.0.0.1", "b.blob.core.widows.net. 10.0.0.1"},
			"skipped 2 names of 2 endpoints" + such + "a.blob.core.window.net, do you mean privatelink.blob.core.windows.net?"},
		{"not of Azure", []string{"www.example. 10.0.0.1"}, "skipped /pe/www.example.: www.example is in none of the zones"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out bytes.Buffer
			logTo(t, &out)
			serve(t, NewProcess(), newFake("noisy", tc.entries...))
			if got := out.String(); strings.Count(got, "\n") != 1 || !strings.HasSuffix(got, "noisy: "+tc.want+"\n") {
				t.Errorf("log: %swant: %s", got, tc.want)
			}
			if got := testutil.ToFloat64(metrics.Skipped.WithLabelValues("noisy", string(source.OutsideZones))); int(got) != len(tc.entries) {
				t.Errorf("skipped_endpoints = %g; want %d", got, len(tc.entries))
			}
		})
	}
}

// The most important finding comes first, that of a vault before others.
func TestOrderOfFindings(t *testing.T) {
	var out bytes.Buffer
	logTo(t, &out)
	list := listOf("q.vault.azure.net. 10.0.0.1", "a 20.1.2.3", "b 10.0.0.1 from=/1", "b 10.0.0.2 from=/2")
	for i := range 30 {
		list.Skipped = append(list.Skipped,
			source.Skip{Endpoint: fmt.Sprint("/pe/a", i), Reason: source.OtherVNet, Detail: "it is in none of the virtual networks that vnet names"},
			source.Skip{Endpoint: fmt.Sprintf("/pe/b%02d", i), Reason: source.NotApproved, Detail: "its connection is Pending"})
	}
	const vault = "/x/providers/Microsoft.RecoveryServices/Vaults/v"
	list.Skipped = append(list.Skipped,
		source.Skip{Endpoint: "/pe/vault", Target: vault, Reason: source.NotApproved, Detail: "its connection is Pending"})
	f := newFake("noisy")
	f.next.Store(&fetched{list, nil})
	s := serve(t, NewProcess(), f)
	lines := strings.Split(out.String(), "\n")
	first := strings.Contains(lines[0], "skipped /pe/vault") && strings.Contains(lines[1], "skipped /pe/b00")
	if !first || !strings.Contains(out.String(), "15 more findings like these") {
		t.Errorf("log:\n%s", out.String())
	}
	texts := merge(s.Zones, nil, []*source.List{list}, nil).sources[0].sortedTexts()
	var last []string
	for _, text := range texts[len(texts)-4:] {
		last = append(last, text[:min(len(text), 30)])
	}
	want := "[b.privatelink.blob.core.window a.privatelink.blob.core.window skipped /pe/q.vault.azure.net. skipped 30 endpoints, such as ]"
	if fmt.Sprint(last) != want {
		t.Errorf("the last findings are %v; want %s", last, want)
	}
}
