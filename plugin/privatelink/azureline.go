package privatelink

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/azure"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/source"
)

// azureUsage is the syntax of an azure line.
const azureUsage = "SUBSCRIPTION|*|managementgroup NAME|ID [GROUP...] [tenant ID] [client ID] [except SUBSCRIPTION...] [privatedns]"

var (
	guid            = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	resourceGroup   = regexp.MustCompile(`^[\pL\d_().-]{1,90}$`)
	managementGroup = regexp.MustCompile(`^[\w().-]{1,90}$`)
)

const (
	groupID = "/providers/Microsoft.Management/managementGroups/"
	zeros   = "00000000-0000-0000-0000-000000000000"
)

func (p *parser) addAzure(args []string) error {
	line, err := parseAzure(args)
	if err != nil {
		return err
	}
	p.addSource("azure", func() source.Source {
		line.Cloud, line.VNets, line.Interval = p.zones.Cloud, p.vnets, p.refresh
		if line.privateDNS {
			return azure.NewPrivateDNS(line.Source)
		}
		return line.Source
	})
	return nil
}

// An azureLine is the source of a line, without the properties of the block.
type azureLine struct {
	*azure.Source
	privateDNS bool // the contents of private DNS zones, not the private endpoints
}

// parseAzure reads the values of a line.
//
// The words tenant, client, except and privatedns always begin an option, in any case of
// letters. A resource group of such a name is written as in a resource ID:
// resourceGroups/tenant.
func parseAzure(args []string) (*azureLine, error) {
	src := &azureLine{Source: new(azure.Source)}
	rest, err := parseScope(&src.Scope, args)
	if err != nil {
		return nil, err
	}
	for len(rest) > 0 && !isKeyword(rest[0]) {
		group, err := parseGroup(rest[0])
		if err != nil {
			return nil, err
		}
		src.Groups, rest = append(src.Groups, group), rest[1:]
	}
	for len(rest) > 0 {
		if rest, err = parseOption(src, rest); err != nil {
			return nil, err
		}
	}
	return src, nil
}

func isKeyword(arg string) bool { return slices.Contains(azure.Keywords, casefold.Lower(arg)) }

// parseScope reads the first value of a line, and returns those behind it.
func parseScope(scope *azure.Scope, args []string) (rest []string, err error) {
	switch first := args[0]; {
	case first == "*":
		return args[1:], nil
	case guid.MatchString(first):
		scope.Subscription = casefold.Lower(first)
		return args[1:], nil
	case !casefold.Equal(first, "managementgroup"):
		return nil, fmt.Errorf("%q is not the ID of a subscription, such as %s; all subscriptions are *, "+
			"those of a management group managementgroup NAME", first, zeros)
	case len(args) == 1:
		return nil, errors.New("managementgroup: the name or the ID of a management group is missing, such as mg-landingzones")
	}
	name := args[1]
	if i := len(groupID); len(name) > i && casefold.Equal(name[:i], groupID) {
		name = name[i:]
	}
	if !managementGroup.MatchString(name) {
		return nil, fmt.Errorf("managementgroup: %q is not the name or the ID of a management group, such as mg-landingzones; "+
			"its display name is not used", args[1])
	}
	scope.ManagementGroup = casefold.Lower(name)
	return args[2:], nil
}

// parseGroup returns the name of a resource group.
func parseGroup(arg string) (string, error) {
	name := arg
	if i := len(azure.GroupPrefix); len(arg) > i && casefold.Equal(arg[:i], azure.GroupPrefix) {
		name = arg[i:]
	}
	switch {
	case !resourceGroup.MatchString(name):
		return "", fmt.Errorf("%q is not the name of a resource group", arg)
	case name == arg && guid.MatchString(name):
		return "", fmt.Errorf("%q is an ID in the place of a resource group: write tenant, client or except before it, or a line azure for each subscription; "+
			"a resource group of this name is written %s%s", arg, azure.GroupPrefix, arg)
	}
	return name, nil
}

// parseOption reads an option, and returns the values behind it.
func parseOption(src *azureLine, args []string) (rest []string, err error) {
	word := casefold.Lower(args[0])
	end := slices.IndexFunc(args[1:], isKeyword) + 1
	if end == 0 {
		end = len(args)
	}
	values, rest := args[1:end], args[end:]
	if word == "privatedns" {
		return rest, src.addPrivateDNS(values)
	}
	if len(values) == 0 {
		return nil, fmt.Errorf("%s: its ID is missing; the resource group %s is written %s%s", word, args[0], azure.GroupPrefix, args[0])
	}
	if word == "except" {
		return rest, addExcept(&src.Scope, values)
	}
	to := &src.Tenant
	if word == "client" {
		to = &src.Client
	}
	switch {
	case *to != "":
		return nil, fmt.Errorf("%s: specified more than once", word)
	case !guid.MatchString(values[0]):
		return nil, fmt.Errorf("%s: %q is not an ID such as %s; the resource group %s is written %s%s", word, values[0], zeros, args[0], azure.GroupPrefix, args[0])
	case len(values) > 1:
		return nil, fmt.Errorf("%s: %q follows its ID: write resource groups before tenant, client, except and privatedns", word, values[1])
	}
	*to = casefold.Lower(values[0])
	return rest, nil
}

func (l *azureLine) addPrivateDNS(values []string) error {
	switch {
	case len(values) > 0:
		return fmt.Errorf("privatedns: %q follows it: write resource groups before tenant, client, except and privatedns", values[0])
	case l.privateDNS:
		return errors.New("privatedns: specified more than once")
	case l.Subscription == "":
		return errors.New("privatedns: it is for one subscription: write a line for each")
	}
	l.privateDNS = true
	return nil
}

func addExcept(scope *azure.Scope, ids []string) error {
	if scope.Subscription != "" {
		return errors.New("except: it is for * and managementgroup, this line has one subscription")
	}
	for _, id := range ids {
		switch lower := casefold.Lower(id); {
		case !guid.MatchString(id):
			return fmt.Errorf("except: %q is not the ID of a subscription, such as %s", id, zeros)
		case slices.Contains(scope.Except, lower):
			return fmt.Errorf("except: %q is specified more than once", id)
		default:
			scope.Except = append(scope.Except, lower)
		}
	}
	slices.Sort(scope.Except) // the name of the source is the same in any order
	return nil
}
