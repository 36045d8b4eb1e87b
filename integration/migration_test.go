package integration

import (
	"fmt"
	"strings"
	"testing"
)

// zoneRecords is the output of az network private-dns record-set list for a zone, with
// its warning in the same file. Each record is "NAME ADDRESS".
func zoneRecords(zone string, records ...string) string {
	const id = "/subscriptions/" + subscription + "/resourceGroups/rg-dns/providers/Microsoft.Network/privateDnsZones/"
	all := []string{fmt.Sprintf(`{"id": "%s%s/SOA/@", "name": "@", "type": "Microsoft.Network/privateDnsZones/SOA", "fqdn": "%[2]s."}`, id, zone)}
	for _, line := range records {
		name, address, _ := strings.Cut(line, " ")
		all = append(all, fmt.Sprintf(`{"id": "%s%s/A/%s", "name": "%[3]s", "type": "Microsoft.Network/privateDnsZones/A",
			"fqdn": "%[3]s.%[2]s.", "ttl": 10, "isAutoRegistered": false, "aRecords": [{"ipv4Address": "%[4]s"}]}`, id, zone, name, address))
	}
	return "WARNING: Command group 'network private-dns' is in preview.\n[\n" + strings.Join(all, ",\n") + "\n]\n"
}

// Live endpoints come before the records of the zones that they replace: a record that
// only a zone has is served, another address in a zone is reported and not served.
func TestMigration(t *testing.T) {
	t.Parallel()
	s, _ := serveLive(t, live("files {$DIR}/zones.json"), false, vaultEndpoint(fc1, blob, queue))
	s.write("zones.json", zoneRecords(blobZone, "wepod01ecs114x 10.20.0.5", "old 10.20.0.50", "*.lab 10.20.0.51")+
		zoneRecords(queueZone, "wepod01ecs114x 10.20.0.99"))
	s.becomes("old.blob.core.windows.net", "NOERROR ra: CNAME old.privatelink.blob.core.windows.net., A 10.20.0.50")
	s.becomes("x.lab."+blobZone, "NOERROR aa ra: A 10.20.0.51")
	s.remains(blob, blobServed)
	s.remains(queue, queueServed)
	const where = `/subscriptions/` + subscription + `/resourceGroups/rg-dns`
	s.logs(`added old\.` + blobZone + `: 10\.20\.0\.50 from private DNS zone ` + blobZone + ` in ` + where)
	s.logs(`wepod01ecs114x\.` + queueZone + ` has other addresses in an earlier source, which are served instead of \[10\.20\.0\.99\] from ` + where)

	// Half an export loses no name.
	s.write("zones.json", zoneRecords(blobZone, "wepod01ecs114x 10.20.0.5")+strings.TrimSuffix(zoneRecords(queueZone), "]\n"))
	s.logs(`zones\.json: line \d+: unexpected end of JSON input \(its last good records are served\)`)
	s.remains("old."+blobZone, "NOERROR aa ra: A 10.20.0.50")

	s.write("zones.json", zoneRecords(blobZone, "old 10.20.0.50")+zoneRecords(queueZone))
	s.prints("records -files zones.json -zone "+blobZone+" -format hosts", 0, "10.20.0.50 old."+blobZone+" old.blob.core.windows.net"+
		" # "+where+"/providers/Microsoft.Network/privateDnsZones/"+blobZone+"\n")
}
