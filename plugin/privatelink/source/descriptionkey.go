package source

import (
	"encoding/binary"
	"hash/maphash"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/privateendpoint"
)

var seed = maphash.MakeSeed()

func hashOf(id string) uint64 { return maphash.String(seed, casefold.Lower(id)) }

// A descriptionKey identifies what a resource describes, wherever it is: the hash of its
// endpoint, and that of all fields but its position.
type descriptionKey struct{ endpoint, fields uint64 }

func keyOf(e *privateendpoint.Endpoint) descriptionKey {
	var h maphash.Hash
	h.SetSeed(seed)
	for _, text := range []string{e.ID, e.Resource, e.Status, e.Provisioning, e.Target, e.VNet, e.Groups} {
		addText(&h, text)
	}
	_ = h.WriteByte(bit(e.Connected) | bit(e.Terraform)<<1 | bit(e.Manual)<<2) // it never fails
	addNumber(&h, len(e.DNS))
	for _, config := range e.DNS {
		addText(&h, config.FQDN)
		addNumber(&h, len(config.Addresses))
		for _, address := range config.Addresses {
			addText(&h, address)
		}
	}
	return descriptionKey{hashOf(e.ID), h.Sum64()}
}

func addText(h *maphash.Hash, text string) {
	addNumber(h, len(text))
	_, _ = h.WriteString(text) // it never fails
}

func addNumber(h *maphash.Hash, n int) {
	var b [8]byte
	binary.NativeEndian.PutUint64(b[:], uint64(n)) //nolint:gosec // G115: a length
	_, _ = h.Write(b[:])
}
