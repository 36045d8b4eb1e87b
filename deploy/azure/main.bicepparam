// az deployment group create -g rg-dns -p deploy/azure/main.bicepparam
using 'main.bicep'

param subnetId = '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-hub/providers/Microsoft.Network/virtualNetworks/vnet-hub/subnets/snet-dns'
param address = '10.10.0.4'
param machineAddresses = [
  '10.10.0.5'
  '10.10.0.6'
]
param subscriptions = [
  '00000000-0000-0000-0000-000000000000'
]
param packageSource = 'https://github.com/privatelink-dns/privatelink-dns/releases/latest/download'
param packageKey = loadTextContent('privatelink-dns.asc')
param adminPublicKey = readEnvironmentVariable('SSH_PUBLIC_KEY')
