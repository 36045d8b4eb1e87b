package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/zone"
)

// Explain returns why the name is served or not. It may have any form: that of the
// zone, the public one, or a DNS zone endpoint.
func (b *Book) Explain(name dnsname.Name) Verdict {
	v := Verdict{Name: name, Backup: b.Zones.BackupForm(string(name))}
	found := b.Snapshot.Lookup(string(name))
	owner, _ := b.Snapshot.OwnerOf(name)
	v.Owner, v.Zone = owner.Name, owner.Zone
	if z := b.Snapshot.Zones[owner.Zone]; z != nil {
		v.Strict = z.Strict
	}
	r := found.Record
	switch found.Result {
	case zone.Success:
		v.Step, v.Answer = 1, Private
	case zone.NameError:
		v.Step, v.Answer = 2, NXDomain
	case zone.Alias:
		v.Step, v.Answer = 3, Private
	case zone.NotReady:
		v.Step, v.Answer = 5, ServFail
	case zone.OutOfZone:
		v.Step, v.Answer = 4, Upstream
		if record := b.Snapshot.Find(owner); record != nil { // a DNS zone endpoint that no source has
			b.chained(&v, record)
			return v
		}
	}
	if r != nil && len(r.Addrs) > 0 {
		b.served(&v, r)
		return v
	}
	if v.Answer == Private {
		v.Answer = NoData
	}
	b.unserved(&v, found)
	return v
}

func (b *Book) served(v *Verdict, r *zone.Record) {
	v.Served, v.Kind, v.Since, v.Addrs = true, Served, b.Snapshot.Provenance(r).Since(), r.Addrs
	v.Asked = b.Snapshot.Use(r)
	v.Owner = r.Name // a wildcard, if the record is one
	e, l := b.Origin(r)
	if e == nil {
		return
	}
	v.from(e.Endpoint.String(), e.Target.String(), l)
	state := l.state(e.FQDN)
	switch {
	case state.Held:
		v.Kind, v.Since = HeldBack, state.Missing
		v.Text = "the last lists of its source lack it; it is served until three syncs agree"
		v.Remedy = "if the endpoint still exists, check the identity's permissions, and the export"
	case state.Saved:
		v.Text = "its record is from the state file" + failing(": its source cannot be read: ", state)
	case state.Failure != "":
		v.Text = "its last good record is served: its source cannot be read: " + state.Failure
	default:
		v.Text = b.conflict(r.Name)
	}
}

// chained is the verdict for another name of the record. Nobody has asked the upstream
// where its CNAME chain leads: the name may be one that does not exist.
func (b *Book) chained(v *Verdict, r *zone.Record) {
	v.Kind, v.Addrs = ChainOnly, r.Addrs
	if e, l := b.Origin(r); e != nil {
		v.from(e.Endpoint.String(), e.Target.String(), l)
	}
	v.Text = "it is private only if the upstream's CNAME chain leads to the record " + r.Name.String()
	v.Remedy = fmt.Sprintf("ask the server for it to see where the chain leads; to serve it in any case, write record %s %s in the Corefile",
		v.Name, r.Addrs[0])
}

// conflict returns the conflict of a record, or "".
func (b *Book) conflict(owner dnsname.Name) string {
	i := slices.IndexFunc(b.Conflicts, func(c Conflict) bool { return c.Name == owner })
	if i < 0 {
		return ""
	}
	return b.Conflicts[i].Text
}

func failing(before string, s State) string {
	if s.Failure == "" {
		return ""
	}
	return before + s.Failure
}

// from sets the endpoint and the source.
func (v *Verdict) from(endpoint, target string, l *List) {
	v.Endpoint, v.Target, v.Subscription, v.Source = endpoint, target, SubscriptionOf(endpoint), l.Source
}

// unserved finds the reason of a name without a record. An endpoint that has the name
// comes before anything else, because it is what an administrator can change.
func (b *Book) unserved(v *Verdict, found zone.Answer) {
	x, public := b.notServed(), zone.Canonical(v.Name)
	gone, removed := b.removed(v.Owner)
	if removed {
		v.Since, v.Addrs = gone.At, gone.Addrs
	}
	skip, withheld := x.withheld[public]
	outside, isOutside := x.outside[public]
	switch {
	case withheld:
		v.ofSkip(&skip)
		if hint := b.Zones.HintFor(v.Name).String(); v.Owner == "" && hint != "" {
			v.Remedy += "; then" + strings.TrimPrefix(hint, ":")
		}
	case isOutside:
		v.Kind, v.Text = OutsideZones, "it is in none of the zones"
		v.from(outside.Endpoint.String(), outside.Target.String(), outside.list)
		v.Remedy = strings.TrimLeft(b.Zones.Advice(outside.FQDN), ":, ")
	case removed:
		v.Kind, v.Text = Removed, "its source lost it"
		v.from(gone.Entry.Endpoint.String(), gone.Entry.Target.String(), &List{Source: gone.Source})
		v.Remedy = "if the private endpoint still exists, check its DNS configuration, and that the source still reads it"
	case found.Result == zone.Success && found.Record == nil:
		v.Text = "it is the name of a zone, not of an endpoint"
	case found.Result == zone.Success:
		v.Text = "it has names below it, and no address of its own"
	case v.Owner == "":
		b.foreign(v)
	default:
		b.unknown(v, x)
	}
}

// unknown is the verdict for a name of a zone that no source has.
func (b *Book) unknown(v *Verdict, x *index) {
	unread := b.unread()
	switch {
	case unread != nil:
		state := unread.state("")
		v.Kind, v.Source = NotReady, unread.Source
		v.Text = "its source may be " + unread.Source + ", which has not been read" + failing(": ", state)
		v.Remedy = "repair the source; with the property state in the Corefile, a restart has the last good records at once"
	case v.Backup && x.vault != nil:
		v.ofSkip(x.vault)
		v.Possible = true
		v.Text = "no source has it; it may be a name of an endpoint that is not served: " + TextOf(x.vault.Skip)
	default:
		v.Text = "no source has it" + b.failures()
		v.Remedy = "if it is yours, add the subscription, resource group or export of its private endpoint to the sources"
		if geo, ok := b.Zones.Cloud.BackupGeo(v.Zone); ok && b.Snapshot.Zones[v.Zone] == nil {
			v.Remedy += "; with geo " + geo + " in the Corefile, its zone exists before the first record"
		}
	}
}

// foreign is the verdict for a name outside of every zone that no source has.
func (b *Book) foreign(v *Verdict) {
	switch {
	case b.Snapshot.Suffix("x."+v.Name) != "":
		v.Text = "it is a suffix of names of endpoints, not a name of one"
	case !strings.Contains(string(v.Name), "."+cloud.Prefix) && !v.Name.BelowAny(azure):
		v.Text = "it is not a name of a private endpoint, and no source has it"
	default:
		v.Kind, v.Text = OutsideZones, "it is in none of the zones, and no source has it"
		if hint := b.Zones.HintFor(v.Name).String(); hint != "" {
			v.Remedy = "if it is yours" + strings.Replace(hint, ":", ",", 1)
		}
	}
}

// azure has the suffixes of the names that Azure has in private link zones.
var azure = []dnsname.Name{
	"windows.net.", "azure.net.", "azure.com.", "windowsazure.com.", "azurewebsites.net.", "azurecr.io.", "azmk8s.io.", "azureml.ms.", "azconfig.io.",
	"usgovcloudapi.net.", "windowsazure.us.", "azure.us.", "azurewebsites.us.", "azurecr.us.",
	"chinacloudapi.cn.", "windowsazure.cn.", "azure.cn.", "chinacloudsites.cn.", "azurecr.cn.",
}

func (b *Book) removed(owner dnsname.Name) (Removal, bool) {
	if b.Removed == nil || owner == "" {
		return Removal{}, false
	}
	return b.Removed(owner)
}

// unread returns a source that has never been read, or nil.
func (b *Book) unread() *List {
	if b.Snapshot.Complete {
		return nil
	}
	for i := range b.Lists {
		if l := &b.Lists[i]; !l.state("").Loaded {
			return l
		}
	}
	return nil
}

// failures returns the first source that cannot be read now, as the end of a sentence.
func (b *Book) failures() string {
	for i := range b.Lists {
		if state := b.Lists[i].state(""); state.Failure != "" {
			return fmt.Sprintf("; %s cannot be read: %s", b.Lists[i].Source, state.Failure)
		}
	}
	return ""
}

// ofSkip is the verdict for a name of an endpoint that is skipped.
func (v *Verdict) ofSkip(w *withheld) {
	v.Kind = cmp.Or(kindOf[w.Reason], Invalid)
	v.from(w.Endpoint, w.Target, w.list)
	v.Text, v.Remedy = "its endpoint is not served: "+TextOf(w.Skip), RemedyOf(w.Skip)
	if v.Kind == Invalid {
		_, reason, _ := strings.Cut(w.Detail, ": ") // after the name
		v.Text = "its address is invalid: " + reason
	}
}

var kindOf = map[source.Reason]Kind{
	source.NotApproved: NotApproved, source.Provisioning: Provisioning, source.NoDNSConfig: NoDNSConfig,
	source.OtherVNet: OtherVNet, source.OutsideZones: OutsideZones,
}

// TextOf returns the reason of a skip without its remedy.
func TextOf(s source.Skip) string { return strings.TrimSuffix(s.Detail, ": "+s.Remedy()) }

// RemedyOf returns what to do about an endpoint that is not served.
func RemedyOf(s source.Skip) string {
	return cmp.Or(s.Remedy(), remedies[s.Reason], "correct it in the source")
}

var remedies = map[source.Reason]string{
	source.NotApproved:  "approve the connection: in the portal, the vault (or the account) > Networking > Private endpoint connections",
	source.Provisioning: "wait until Azure has made the endpoint",
	source.NoDNSConfig:  "export the network interfaces, too: az network nic list -o json",
	source.OtherVNet:    "nothing, or add the virtual network to vnet in the Corefile",
	source.NoAddress:    "nothing, or add the addresses of the name with record or hosts in the Corefile",
	source.OutsideZones: "nothing if it is no name of Azure Backup, else add its zone behind privatelink in the Corefile",
}
