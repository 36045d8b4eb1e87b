<#
.SYNOPSIS
Installs privatelink-dns as a Windows service, or brings an installed one up to date.

.DESCRIPTION
For Windows Server 2019 and newer. Run it as administrator in the folder that has
privatelink-dns.exe and a Corefile; run it again for a newer binary. A Corefile that
is installed already stays as it is. The service runs as a user of its own that may
write nothing but the folders "state" and "log".

    C:\Program Files\privatelink-dns\privatelink-dns.exe
    C:\ProgramData\privatelink-dns\Corefile     with the exports, *.json, beside it
    C:\ProgramData\privatelink-dns\state\
    C:\ProgramData\privatelink-dns\log\privatelink-dns.log

.PARAMETER Clients
The networks that the firewall lets in on port 53.

.PARAMETER Environment
Variables of the service, AZURE_CLIENT_ID=... for example; what was set before stays
without it. Not for secrets: the registry shows them to every user of the machine.

.EXAMPLE
.\install-service.ps1 -Clients 10.0.0.0/8

.EXAMPLE
.\install-service.ps1 -Environment AZURE_CLIENT_ID=11111111-1111-1111-1111-111111111111
#>
#Requires -Version 5.1
#Requires -RunAsAdministrator
[CmdletBinding()]
param(
    [string[]] $Clients = @('10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'),
    [string[]] $Environment
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$name = 'privatelink-dns'
$account = "NT SERVICE\$name"
$program = Join-Path $env:ProgramFiles $name
$data = Join-Path $env:ProgramData $name
$exe = Join-Path $program "$name.exe"
$corefile = Join-Path $data 'Corefile'
$state = Join-Path $data 'state'
$log = Join-Path $data 'log'

# PowerShell does not stop at a program that fails.
function Invoke-Program([string] $File, [string[]] $Arguments) {
    $output = & $File @Arguments
    if ($LASTEXITCODE -ne 0) { throw "$File ${Arguments}: $output" }
}

$service = Get-Service -Name $name -ErrorAction SilentlyContinue
if ($service) { Stop-Service -Name $name }

New-Item -ItemType Directory -Force -Path $program, $data, $state, $log | Out-Null
Copy-Item -Path (Join-Path $PSScriptRoot "$name.exe") -Destination $exe -Force
if (-not (Test-Path $corefile)) {
    Copy-Item -Path (Join-Path $PSScriptRoot 'Corefile') -Destination $corefile
}

if (-not $service) {
    $command = '"{0}" -windows-service -conf "{1}" -log "{2}\{3}.log"' -f $exe, $corefile, $log, $name
    New-Service -Name $name -BinaryPathName $command -StartupType Automatic -DisplayName 'privatelink-dns' `
        -Description 'DNS server for the names of Azure private endpoints' | Out-Null
}
# A user that Windows makes for this service; it has no password.
Invoke-Program sc.exe @('config', $name, 'obj=', $account)
# Started again after 2, 10 and from then on 60 seconds, whether it crashed or ended with an error.
Invoke-Program sc.exe @('failure', $name, 'reset=', '86400', 'actions=', 'restart/2000/restart/10000/restart/60000')
Invoke-Program sc.exe @('failureflag', $name, '1')
if ($PSBoundParameters.ContainsKey('Environment')) {
    Set-ItemProperty -Path "HKLM:\SYSTEM\CurrentControlSet\Services\$name" -Name Environment -Type MultiString -Value $Environment
}

# Administrators and the system everything, the service what it needs, nobody else anything.
Invoke-Program icacls.exe @($data, '/inheritance:r', '/grant:r', '*S-1-5-32-544:(OI)(CI)F', '*S-1-5-18:(OI)(CI)F', "${account}:(OI)(CI)RX")
foreach ($folder in $state, $log) {
    Invoke-Program icacls.exe @($folder, '/grant:r', "${account}:(OI)(CI)M")
}

foreach ($protocol in 'UDP', 'TCP') {
    $rule = "$name-$protocol"
    Get-NetFirewallRule -Name $rule -ErrorAction SilentlyContinue | Remove-NetFirewallRule
    New-NetFirewallRule -Name $rule -DisplayName "privatelink-dns ($protocol 53)" -Direction Inbound -Action Allow `
        -Program $exe -Protocol $protocol -LocalPort 53 -RemoteAddress $Clients | Out-Null
}

if (Get-Service -Name DNS -ErrorAction SilentlyContinue | Where-Object -Property Status -EQ -Value Running) {
    Write-Warning "The DNS Server role runs here and has port 53 of every address: remove it, or keep both apart with 'bind' in $corefile and listen addresses of the role."
}
Start-Service -Name $name
Get-Service -Name $name
