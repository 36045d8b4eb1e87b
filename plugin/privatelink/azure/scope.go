package azure

import (
	"cmp"
	"slices"
	"strings"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/cloud"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// A Scope is what a source reads: one subscription, all subscriptions below a
// management group, or all that the identity can read. It may be narrowed to some
// resource groups. The zero value is all that the identity can read.
type Scope struct {
	Subscription    string   // ID; empty: several subscriptions
	ManagementGroup string   // whose subscriptions are read, by name; empty: all
	Except          []string // IDs of subscriptions of the scope that are not read
	Groups          []string // none: all resource groups
}

// Keywords are the words of an azure line that begin an option. A resource
// group of such a name is written with GroupPrefix.
var Keywords = []string{"tenant", "client", "except", "privatedns"}

// GroupPrefix begins a resource group as the last part of its resource ID does.
const GroupPrefix = "resourceGroups/"

// several reports whether the scope may have more than one subscription.
func (s Scope) several() bool { return s.Subscription == "" }

// excluded reports whether the subscription is not read.
func (s Scope) excluded(id string) bool {
	return slices.ContainsFunc(s.Except, func(one string) bool { return casefold.Equal(one, id) })
}

// words returns the scope as it is written in a Corefile, without except.
func (s Scope) words() []string {
	words := []string{s.Subscription}
	switch {
	case s.ManagementGroup != "":
		words = []string{"managementgroup", s.ManagementGroup}
	case s.several():
		words = []string{"*"}
	}
	for _, group := range s.Groups {
		if slices.Contains(Keywords, casefold.Lower(group)) {
			group = GroupPrefix + group
		}
		words = append(words, group)
	}
	return words
}

// name includes the cloud and the identity, so that a reload that changes one of them
// does not keep the records of the old one.
func (s *Source) name() string {
	words := append([]string{"azure"}, s.words()...)
	if s.Tenant != "" {
		words = append(words, "tenant", s.Tenant)
	}
	if s.Client != "" {
		words = append(words, "client", s.Client)
	}
	if len(s.Except) > 0 {
		words = append(append(words, "except"), s.Except...)
	}
	if s.privateDNS {
		words = append(words, "privatedns")
	}
	if in := cmp.Or(s.Cloud.ARM, s.Cloud.Name, cloud.Public.Name); in != cloud.Public.Name {
		words = append(words, "cloud", in)
	}
	return source.NameIn(strings.Join(words, " "), s.VNets)
}

// subscriptionOf returns the ID of the subscription in a resource ID or a path, in
// lower case, or "".
func subscriptionOf(path string) string {
	parts := strings.Split(casefold.Lower(path), "/")
	if len(parts) < 3 || parts[1] != "subscriptions" {
		return ""
	}
	return parts[2]
}
