package dnstest_test

import (
	"fmt"

	"github.com/privatelink-dns/privatelink-dns/plugin/dnstest"
)

func Example() {
	m, err := dnstest.Parse("NOERROR ad: www.example. 60 CNAME a.example.; A 192.0.2.1 / example. NS ns.example.")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Answer[1])
	fmt.Println(dnstest.Brief(m))
	fmt.Println(dnstest.Show(m))
	// Output:
	// a.example.	3600	IN	A	192.0.2.1
	// NOERROR ad: www.example. CNAME a.example.; A 192.0.2.1 / example. NS ns.example.
	// NOERROR ad: www.example. 60 CNAME a.example.; a.example. 3600 A 192.0.2.1 / example. 3600 NS ns.example.
}
