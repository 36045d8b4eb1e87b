// Two privatelink-dns machines in two availability zones behind an internal load balancer,
// with an identity that reads the private endpoints. See README.md.
targetScope = 'resourceGroup'

@description('Region of the machines.')
param location string = resourceGroup().location

@description('Prefix of all names.')
@minLength(3)
@maxLength(20)
param name string = 'privatelink-dns'

@description('Resource ID of the subnet. It needs a way out to Azure Resource Manager and to the package sources.')
param subnetId string

@description('Address of the load balancer, free in the subnet: the one that clients are given.')
param address string

@description('Addresses of the two machines, free in the subnet.')
@minLength(2)
@maxLength(2)
param machineAddresses array

@description('Networks of the clients, for the access list and the network security group.')
param clients array = [
  '10.0.0.0/8'
  '172.16.0.0/12'
  '192.168.0.0/16'
]

@description('Subscriptions whose private endpoints are served, if there is no management group.')
@minLength(1)
param subscriptions array = [
  subscription().subscriptionId
]

@description('Name of a management group: the identity gets the role Reader there, and all its subscriptions are served, new ones as well.')
param managementGroup string = ''

@description('URL of the folder with the apt repository, such as a release\'s download folder.')
param packageSource string

@description('OpenPGP key of the apt repository, in ASCII armor.')
param packageKey string

@description('SSH public key of the administrator. Nothing opens port 22 to the machines.')
param adminPublicKey string

param adminUsername string = 'azureuser'
param vmSize string = 'Standard_B2s_v2'

@description('Local times (UTC) at which each machine may restart after an upgrade. Keep them apart.')
@minLength(2)
@maxLength(2)
param restartTimes array = [
  '02:00'
  '04:00'
]

param tags object = {}

// A management group needs no list: a new subscription in it appears by itself.
var withGroup = replace(withClients, 'azure 00000000-0000-0000-0000-000000000000', 'azure managementgroup ${managementGroup}')
var served = empty(managementGroup) ? withSources : withGroup
var count = 2
var frontend = 'frontend'
var pool = 'machines'
var probe = 'ready'
var balancerName = '${name}-lb'
// The texts of Corefile that depend on the deployment.
var corefile = loadTextContent('Corefile')
var withClients = replace(corefile, 'allow net 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 fc00::/7 fe80::/10', 'allow net ${join(clients, ' ')}')
var withSources = replace(withClients, 'azure 00000000-0000-0000-0000-000000000000', join(map(subscriptions, id => 'azure ${id}'), '\n        '))

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: '${name}-id'
  location: location
  tags: tags
}

module readSubscription 'reader-subscription.bicep' = [for id in subscriptions: if (empty(managementGroup)) {
  name: '${name}-reader-${id}'
  scope: subscription(id)
  params: {
    principalId: identity.properties.principalId
  }
}]

module readGroup 'reader-management-group.bicep' = if (!empty(managementGroup)) {
  name: '${name}-reader'
  scope: managementGroup(empty(managementGroup) ? 'none' : managementGroup)
  params: {
    principalId: identity.properties.principalId
  }
}

resource security 'Microsoft.Network/networkSecurityGroups@2024-05-01' = {
  name: '${name}-nsg'
  location: location
  tags: tags
  properties: {
    securityRules: [
      {
        name: 'dns'
        properties: {
          description: 'DNS over UDP and TCP, for the networks that the access list lets in'
          direction: 'Inbound'
          priority: 100
          access: 'Allow'
          protocol: '*'
          sourceAddressPrefixes: clients
          sourcePortRange: '*'
          destinationAddressPrefix: '*'
          destinationPortRange: '53'
        }
      }
      {
        name: 'probe'
        properties: {
          description: 'The load balancer asks /ready'
          direction: 'Inbound'
          priority: 110
          access: 'Allow'
          protocol: 'Tcp'
          sourceAddressPrefix: 'AzureLoadBalancer'
          sourcePortRange: '*'
          destinationAddressPrefix: '*'
          destinationPortRange: '8181'
        }
      }
      {
        name: 'nothing-else'
        properties: {
          direction: 'Inbound'
          priority: 4096
          access: 'Deny'
          protocol: '*'
          sourceAddressPrefix: '*'
          sourcePortRange: '*'
          destinationAddressPrefix: '*'
          destinationPortRange: '*'
        }
      }
    ]
  }
}

resource balancer 'Microsoft.Network/loadBalancers@2024-05-01' = {
  name: balancerName
  location: location
  tags: tags
  sku: {
    name: 'Standard'
  }
  properties: {
    frontendIPConfigurations: [
      {
        name: frontend
        zones: [
          '1'
          '2'
          '3'
        ]
        properties: {
          privateIPAddress: address
          privateIPAllocationMethod: 'Static'
          subnet: {
            id: subnetId
          }
        }
      }
    ]
    backendAddressPools: [
      {
        name: pool
      }
    ]
    probes: [
      {
        name: probe
        properties: {
          // Not ready until every source has been read, and on the way out.
          protocol: 'Http'
          port: 8181
          requestPath: '/ready'
          intervalInSeconds: 5
          probeThreshold: 2
        }
      }
    ]
    loadBalancingRules: [for protocol in [
      'Udp'
      'Tcp'
    ]: {
      name: 'dns-${toLower(protocol)}'
      properties: {
        protocol: protocol
        frontendPort: 53
        backendPort: 53
        idleTimeoutInMinutes: 4
        enableTcpReset: protocol == 'Tcp'
        disableOutboundSnat: true
        frontendIPConfiguration: {
          id: resourceId('Microsoft.Network/loadBalancers/frontendIPConfigurations', balancerName, frontend)
        }
        backendAddressPool: {
          id: resourceId('Microsoft.Network/loadBalancers/backendAddressPools', balancerName, pool)
        }
        probe: {
          id: resourceId('Microsoft.Network/loadBalancers/probes', balancerName, probe)
        }
      }
    }]
  }
}

resource interfaces 'Microsoft.Network/networkInterfaces@2024-05-01' = [for i in range(0, count): {
  name: '${name}-${i + 1}-nic'
  location: location
  tags: tags
  properties: {
    networkSecurityGroup: {
      id: security.id
    }
    // Not the network's DNS servers, which may be these very machines.
    dnsSettings: {
      dnsServers: [
        'AzureProvidedDNS'
      ]
    }
    ipConfigurations: [
      {
        name: 'primary'
        properties: {
          privateIPAddress: machineAddresses[i]
          privateIPAllocationMethod: 'Static'
          subnet: {
            id: subnetId
          }
          loadBalancerBackendAddressPools: [
            {
              id: '${balancer.id}/backendAddressPools/${pool}'
            }
          ]
        }
      }
    ]
  }
}]

resource machines 'Microsoft.Compute/virtualMachines@2024-07-01' = [for i in range(0, count): {
  name: '${name}-${i + 1}'
  location: location
  tags: tags
  zones: [
    '${i + 1}'
  ]
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
    }
  }
  properties: {
    hardwareProfile: {
      vmSize: vmSize
    }
    securityProfile: {
      securityType: 'TrustedLaunch'
      uefiSettings: {
        secureBootEnabled: true
        vTpmEnabled: true
      }
    }
    storageProfile: {
      imageReference: {
        publisher: 'Canonical'
        offer: 'ubuntu-24_04-lts'
        sku: 'server'
        version: 'latest'
      }
      osDisk: {
        createOption: 'FromImage'
        deleteOption: 'Delete'
        managedDisk: {
          storageAccountType: 'StandardSSD_LRS'
        }
      }
    }
    osProfile: {
      computerName: '${name}-${i + 1}'
      adminUsername: adminUsername
      customData: base64(join([
        replace(replace(loadTextContent('cloud-init.yaml'), '@RESTART@', restartTimes[i]), '@KEY@', base64(packageKey))
        '  - path: /etc/apt/sources.list.d/privatelink-dns.list'
        '    encoding: b64'
        '    content: ${base64('deb [signed-by=/etc/apt/keyrings/privatelink-dns.asc] ${packageSource} /\n')}'
        '  - path: /etc/privatelink-dns/environment'
        '    permissions: "0600"'
        '    encoding: b64'
        '    content: ${base64('AZURE_CLIENT_ID=${identity.properties.clientId}\n')}'
        '  - path: /etc/privatelink-dns/Corefile'
        '    encoding: b64'
        '    content: ${base64(replace(served, 'bind 127.0.0.1', 'bind ${machineAddresses[i]} 127.0.0.1'))}'
        ''
      ], '\n'))
      linuxConfiguration: {
        disablePasswordAuthentication: true
        ssh: {
          publicKeys: [
            {
              path: '/home/${adminUsername}/.ssh/authorized_keys'
              keyData: adminPublicKey
            }
          ]
        }
      }
    }
    networkProfile: {
      networkInterfaces: [
        {
          id: interfaces[i].id
          properties: {
            deleteOption: 'Delete'
          }
        }
      ]
    }
    diagnosticsProfile: {
      bootDiagnostics: {
        enabled: true
      }
    }
  }
}]

@description('The DNS server for clients, networks and conditional forwarders.')
output address string = address

@description('The identity, for more subscriptions.')
output principalId string = identity.properties.principalId
