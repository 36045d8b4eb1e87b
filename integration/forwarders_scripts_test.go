package integration

import (
	"slices"
	"testing"
)

// The printed script is valid PowerShell and calls only known cmdlets.
func TestForwardersCommandForPowerShell(t *testing.T) {
	t.Parallel()
	s := prepare(t, ". {\n    privatelink {\n        files vault.json\n    }\n}\n")
	s.write("vault.json", export(vault...))
	for _, args := range []string{"", " -scope forest", " -scope domain -names", " -scope dc1.corp.example,10.1.0.4"} {
		printed, stderr, status := s.command("forwarders -conf Corefile -format powershell -server 10.0.0.4 -server fd00::4" + args)
		if status != 0 || stderr != "" {
			t.Fatalf("status %d\n%s", status, stderr)
		}
		parsed := parsePowerShell(t, printed)
		if wrong := parsed.wrong(); len(wrong) > 0 {
			t.Errorf("%q\n%s", wrong, printed)
		}
		var called []string
		for _, command := range parsed.Commands {
			called = append(called, command.Name)
		}
		for _, name := range []string{
			"Get-DnsServerZone", "Add-DnsServerConditionalForwarderZone", "Set-DnsServerConditionalForwarderZone", "Resolve-DnsName", "Remove-DnsServerZone",
		} {
			if !slices.Contains(called, name) {
				t.Errorf("the script does not call %s", name)
			}
		}
	}
	note(t, "Configuration by `forwarders`", "Windows DNS", "loaded", "parsed, not run")
}
