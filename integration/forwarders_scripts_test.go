package integration

import (
	"slices"
	"strings"
	"testing"
)

// The printed script is valid PowerShell and calls only known cmdlets.
func TestForwardersCommandForPowerShell(t *testing.T) {
	t.Parallel()
	s := prepare(t, ". {\n    privatelink {\n        files vault.json\n    }\n}\n")
	s.write("vault.json", export(vault...))
	for _, args := range []string{"", " -scope forest", " -scope domain -names", " -scope dc1.corp.example,10.1.0.4"} {
		printed, stderr, status := s.command("forwarders -conf Corefile -format powershell -server 10.0.0.4 -server fd00::4" + args)
		if status != 0 {
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

// The printed Bicep parses, has the served names with a dot at the end, and the three
// kinds of resources. The grammar knows no types: no Bicep compiler is to be had here.
func TestForwardersCommandForAzure(t *testing.T) {
	t.Parallel()
	s := prepare(t, corefile())
	s.env["PORT"], s.env["UPSTREAM"] = "53", "127.0.0.1"
	s.write("vault.json", export(vault...))
	for _, args := range []string{"", " -names"} {
		printed, stderr, status := s.command("forwarders -conf Corefile -format azure-ruleset -server 10.0.0.4 -server 10.0.0.5:5353" + args)
		if status != 0 || stderr != "" {
			t.Fatalf("status %d\n%s", status, stderr)
		}
		for text, valid := range map[string]bool{printed: true, strings.Replace(printed, "]\n", "\n", 1): false} {
			var parsed struct {
				Errors, Declarations []string
				Strings              map[string][]string
			}
			parse(t, "bicep.mjs", text, &parsed)
			if (len(parsed.Errors) == 0) != valid {
				t.Errorf("%q; want valid = %t\n%s", parsed.Errors, valid, text)
			}
			if !valid {
				continue
			}
			for _, kind := range []string{"", "/forwardingRules", "/virtualNetworkLinks"} {
				if !strings.Contains(strings.Join(parsed.Declarations, "\n"), "'Microsoft.Network/dnsForwardingRulesets"+kind+"@2022-07-01'") {
					t.Errorf("%q lacks the resource %s", parsed.Declarations, kind)
				}
			}
			names := parsed.Strings["names"]
			if want := map[string]string{"": "blob.core.windows.net.", " -names": blob + "."}[args]; !slices.Contains(names, want) {
				t.Errorf("names %q lack %s", names, want)
			}
			if slices.ContainsFunc(names, func(name string) bool { return !strings.HasSuffix(name, ".") }) {
				t.Errorf("names %q: one lacks the dot at its end", names)
			}
		}
	}
	note(t, "Configuration by `forwarders`", "Azure DNS forwarding ruleset", "loaded", "parsed, not deployed")
}
