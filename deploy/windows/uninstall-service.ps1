<#
.SYNOPSIS
Removes the service privatelink-dns, its firewall rules and its program.

.DESCRIPTION
The Corefile, the exports, the state and the log in C:\ProgramData\privatelink-dns stay.
#>
#Requires -Version 5.1
#Requires -RunAsAdministrator
[CmdletBinding()]
param()

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$name = 'privatelink-dns'

if (Get-Service -Name $name -ErrorAction SilentlyContinue) {
    Stop-Service -Name $name
    sc.exe delete $name
    if ($LASTEXITCODE -ne 0) { throw "sc.exe delete ${name}: $LASTEXITCODE" }
}
Get-NetFirewallRule -Name "$name-UDP", "$name-TCP" -ErrorAction SilentlyContinue | Remove-NetFirewallRule
Remove-Item -Path (Join-Path $env:ProgramFiles $name) -Recurse -Force -ErrorAction SilentlyContinue
