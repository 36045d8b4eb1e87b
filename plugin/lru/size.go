package lru

import (
	"reflect"

	"github.com/miekg/dns"
)

const (
	// maxSize is the size on the wire of the largest response that is stored, in octets.
	// The SRV records of the controllers of a large Active Directory domain fit.
	maxSize = 4096
	// smallSize is the size without compression up to which the memory of a response
	// needs no measurement, because its records need maxMemory at most.
	smallSize = 1232
	// maxMemory bounds the memory of a stored response. Ordinary records need two to three
	// times their size on the wire. But an empty string of a TXT record has one octet on
	// the wire and needs 16, and a name of 255 octets can have two on the wire.
	maxMemory = 20 << 10
)

// fits reports whether the answer is small enough to be stored.
func (e *entry) fits() bool {
	m := dns.Msg{Answer: e.answer, Ns: e.ns}
	if m.Len() <= smallSize {
		return true
	}
	m.Compress, m.Question = true, []dns.Question{{Name: e.key.name, Qtype: e.key.qtype, Qclass: e.key.qclass}}
	return m.Len() <= maxSize && memory(reflect.ValueOf(e.answer))+memory(reflect.ValueOf(e.ns)) <= maxMemory
}

// memory returns the octets that a value refers to: elements of slices, text of strings
// and targets of pointers.
func memory(v reflect.Value) (octets int) {
	switch v.Kind() {
	case reflect.String:
		return v.Len()
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return 0
		}
		return int(v.Elem().Type().Size()) + memory(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			octets += memory(v.Field(i))
		}
	case reflect.Slice:
		octets = v.Len() * int(v.Type().Elem().Size())
		switch v.Type().Elem().Kind() {
		case reflect.String, reflect.Pointer, reflect.Interface, reflect.Struct, reflect.Slice:
			for i := range v.Len() {
				octets += memory(v.Index(i))
			}
		}
	}
	return octets
}
