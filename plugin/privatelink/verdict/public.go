package verdict

import (
	"net/netip"
	"time"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

// A PublicAnswer is what the ledger of public answers has about one name: who received
// the answer of the upstream, or NXDOMAIN, in place of a private address.
type PublicAnswer struct {
	Name     dnsname.Name `json:"name"` // as it was queried
	Answer   Answer       `json:"answer"`
	Count    uint64       `json:"count"`
	First    time.Time    `json:"first"`
	Last     time.Time    `json:"last"`
	Upstream string       `json:"upstream,omitempty"` // the last one that answered
	Clients  []Client     `json:"clients,omitempty"`  // by network, the most recent one first
}

// A Client is a network of clients, a /24 or a /56.
type Client struct {
	Network netip.Prefix `json:"network"`
	Count   uint64       `json:"count"`
	Last    time.Time    `json:"last"`
}
