package dnsname_test

import (
	"fmt"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/dnsname"
)

func ExampleParse() {
	name, err := dnsname.Parse("WEPod01ecs114x.Blob.core.windows.net.")
	fmt.Println(name, err)

	_, err = dnsname.Parse("my account.blob.core.windows.net")
	fmt.Println(err)
	// Output:
	// wepod01ecs114x.blob.core.windows.net <nil>
	// "my account.blob.core.windows.net": ' ' is not allowed in a domain name
}

func ExampleName_CutSuffix() {
	name, _ := dnsname.Parse("a.b.example.com")
	parent, _ := dnsname.Parse("example.com")
	fmt.Println(name.CutSuffix(parent))
	// Output: a.b true
}
