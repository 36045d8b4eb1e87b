package fakearm

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"regexp"
	"strings"
)

const (
	endpointType  = "Microsoft.Network/privateEndpoints"
	interfaceType = "Microsoft.Network/networkInterfaces"
	vaultType     = "Microsoft.RecoveryServices/vaults"
	networkType   = "Microsoft.Network/virtualNetworks"
	zoneType      = "Microsoft.Network/privateDnsZones"
)

// resource has the properties of every resource of ARM.
func resource(name, id, kind string, properties object) object {
	return object{"name": name, "id": id, "etag": `W/"fakearm"`, "type": kind, "properties": properties}
}

// id is the ID of a resource in the endpoint's group.
func (e Endpoint) id(subscription, kind, name string) string {
	return strings.TrimSuffix("/subscriptions/"+subscription+"/resourceGroups/"+e.Group+"/providers/"+kind+"/"+name, "/")
}

func (e Endpoint) status() string       { return cmp.Or(e.Status, "Approved") }
func (e Endpoint) provisioning() string { return cmp.Or(e.Provisioning, "Succeeded") }

func (e Endpoint) subnet(subscription string) object {
	vnet := cmp.Or(e.VNet, "vnet")
	if !strings.HasPrefix(vnet, "/") {
		vnet = e.id(subscription, networkType, vnet)
	}
	return object{"id": vnet + "/subnets/snet-endpoints"}
}

// endpoint is the private endpoint itself.
func (e Endpoint) endpoint(subscription string) object {
	id, connections := e.id(subscription, endpointType, e.Name), "privateLinkServiceConnections"
	if e.Manual {
		connections = "manualPrivateLinkServiceConnections"
	}
	properties := object{
		"provisioningState":                   e.provisioning(),
		"privateLinkServiceConnections":       []object{},
		"manualPrivateLinkServiceConnections": []object{},
		"customNetworkInterfaceName":          "",
		"ipConfigurations":                    []object{},
		"subnet":                              e.subnet(subscription),
		"networkInterfaces":                   []object{{"id": e.id(subscription, interfaceType, e.Name+".nic")}},
		"customDnsConfigs":                    e.customDNS(),
	}
	properties[connections] = []object{resource(e.Name, id+"/"+connections+"/"+e.Name, endpointType+"/"+connections, object{
		"provisioningState":    "Succeeded",
		"privateLinkServiceId": e.id(subscription, cmp.Or(e.Target, vaultType+"/"+e.Name), ""),
		"groupIds":             []string{cmp.Or(e.Member, "AzureBackup")},
		"privateLinkServiceConnectionState": object{
			// Azure has all sorts of texts here, also this one for a rejected endpoint.
			"status": e.status(), "description": "Auto-Approved", "actionsRequired": "None",
		},
	})}
	all := resource(e.Name, id, endpointType, properties)
	all["location"], all["etag"] = "westeurope", e.etag()
	return all
}

// etag changes with the endpoint, also when a zone group is attached.
func (e Endpoint) etag() string {
	sum := sha256.Sum256(fmt.Append(nil, e))
	return fmt.Sprintf(`W/"%x"`, sum[:16])
}

func (e Endpoint) customDNS() []object {
	all := []object{}
	if e.status() != "Approved" || e.provisioning() != "Succeeded" || e.ZoneGroup {
		return all
	}
	for _, names := range grouped(e.Names, fqdn) {
		all = append(all, object{"fqdn": names[0].FQDN, "ipAddresses": addresses(names)})
	}
	return all
}

// known reports whether interface and zone group show the names. Azure does not
// know them before approval and forgets them with the target. Of a rejected
// endpoint they are shown: that is harder for who reads them.
func (e Endpoint) known() bool {
	return e.status() != "Pending" && e.status() != "Disconnected"
}

// networkInterface keeps its addresses whatever the status is. It spells the
// group of its endpoint otherwise than the endpoint does, as ARM at times does.
func (e Endpoint) networkInterface(subscription string) object {
	id, configurations := e.id(subscription, interfaceType, e.Name+".nic"), []object{}
	for _, names := range grouped(e.Names, ip) {
		name, fqdns := "privateEndpointIpConfig."+names[0].IP, []string{}
		for _, n := range names {
			if e.known() {
				fqdns = append(fqdns, strings.Replace(n.FQDN, ".privatelink.", ".", 1))
			}
		}
		configurations = append(configurations, resource(name, id+"/ipConfigurations/"+name, interfaceType+"/ipConfigurations", object{
			"provisioningState": "Succeeded", "primary": len(configurations) == 0, "subnet": e.subnet(subscription),
			"privateIPAddress": names[0].IP, "privateIPAllocationMethod": "Dynamic",
			"privateLinkConnectionProperties": object{"groupId": cmp.Or(e.Member, "AzureBackup"), "requiredMemberName": "", "fqdns": fqdns},
		}))
	}
	owner := e
	owner.Group = strings.ToUpper(e.Group)
	ownerID := owner.id(subscription, endpointType, e.Name)
	all := resource(e.Name+".nic", id, interfaceType, object{
		"provisioningState": "Succeeded", "ipConfigurations": configurations,
		"privateEndpoint": object{"id": ownerID}, "nicType": "Standard",
	})
	all["location"], all["managedBy"] = "westeurope", ownerID
	return all
}

// zoneGroup has a configuration for each zone of the names.
func (e Endpoint) zoneGroup(subscription string) object {
	const kind = endpointType + "/privateDnsZoneGroups"
	id, configurations := e.id(subscription, endpointType, e.Name)+"/privateDnsZoneGroups/default", []object{}
	for _, names := range grouped(e.Names, zone) {
		zone := zone(names[0])
		name := strings.ReplaceAll(zone, ".", "-")
		configurations = append(configurations, resource(name, id+"/privateDnsZoneConfigs/"+name, kind+"/privateDnsZoneConfigs", object{
			"provisioningState": "Succeeded", "privateDnsZoneId": e.id(subscription, zoneType, zone), "recordSets": e.recordSets(names),
		}))
	}
	return resource("default", id, kind, object{"provisioningState": "Succeeded", "privateDnsZoneConfigs": configurations})
}

// recordSets are those of one zone.
func (e Endpoint) recordSets(inZone []Name) []object {
	all := []object{}
	for _, names := range grouped(inZone, fqdn) {
		if host, zone := privateForm(names[0].FQDN); e.known() {
			all = append(all, object{
				"recordType": "A", "recordSetName": host, "fqdn": host + "." + zone, "ttl": 10,
				"provisioningState": "Succeeded", "ipAddresses": addresses(names),
			})
		}
	}
	return all
}

var partitioned = regexp.MustCompile(`^z\d+\.(\w+)\.storage\.azure\.net$`)

// privateForm returns the record and the private DNS zone of a name.
func privateForm(fqdn string) (host, zone string) {
	if i := strings.Index(fqdn, ".privatelink."); i >= 0 {
		return fqdn[:i], fqdn[i+1:]
	}
	host, zone, _ = strings.Cut(fqdn, ".")
	return host, "privatelink." + partitioned.ReplaceAllString(zone, "$1.core.windows.net")
}

func fqdn(n Name) string { return n.FQDN }
func ip(n Name) string   { return n.IP }
func zone(n Name) string { _, zone := privateForm(n.FQDN); return zone }

// grouped returns the names that share a key, in the order in which keys appear.
func grouped(names []Name, key func(Name) string) (all [][]Name) {
	at := map[string]int{}
	for _, n := range names {
		i, ok := at[key(n)]
		if !ok {
			i, all = len(all), append(all, nil)
			at[key(n)] = i
		}
		all[i] = append(all[i], n)
	}
	return all
}

func addresses(names []Name) (all []string) {
	for _, n := range names {
		all = append(all, n.IP)
	}
	return all
}
