package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A script is a parsed PowerShell script.
type script struct {
	Errors    []string
	Functions []string
	Commands  []struct {
		Name       string
		Parameters []string
	}
}

// cmdlets maps each cmdlet that the scripts may call to its allowed parameters. They
// belong to Windows PowerShell 5.1 and the modules of Windows Server.
var cmdlets = map[string]string{
	"Add-DnsServerConditionalForwarderZone": "-ComputerName -ForwarderTimeout -MasterServers -Name -ReplicationScope -UseRecursion",
	"Add-DnsServerPrimaryZone":              "-ComputerName -Name -ZoneFile",
	"Add-DnsServerResourceRecord":           "-ComputerName -DescriptiveText -Name -Txt -ZoneName",
	"Copy-Item":                             "-Destination -Force -Path",
	"ForEach-Object":                        "",
	"Get-DnsServerZone":                     "-ComputerName",
	"Get-NetFirewallRule":                   "-ErrorAction -Name",
	"Get-Service":                           "-ErrorAction -Name",
	"Join-Path":                             "",
	"New-Item":                              "-Force -ItemType -Path",
	"New-NetFirewallRule":                   "-Action -Direction -DisplayName -LocalPort -Name -Program -Protocol -RemoteAddress",
	"New-Service":                           "-BinaryPathName -Description -DisplayName -Name -StartupType",
	"Out-Null":                              "",
	"Remove-DnsServerZone":                  "-ComputerName -ErrorAction -Force -Name",
	"Remove-Item":                           "-ErrorAction -Force -Path -Recurse",
	"Remove-NetFirewallRule":                "",
	"Resolve-DnsName":                       "-DnsOnly -ErrorAction -Name -Server -Type",
	"Set-DnsServerConditionalForwarderZone": "-ComputerName -ForwarderTimeout -MasterServers -Name -UseRecursion",
	"Set-ItemProperty":                      "-Name -Path -Type -Value",
	"Set-StrictMode":                        "-Version",
	"Sort-Object":                           "",
	"Start-Service":                         "-Name",
	"Stop-Service":                          "-Name",
	"Test-Path":                             "",
	"Where-Object":                          "-EQ -Property -Value",
	"Write-Warning":                         "",
	"sc.exe":                                "",
}

func TestPowerShellScripts(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../deploy/windows/*.ps1")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if wrong := parsePowerShell(t, string(text)).wrong(); len(wrong) > 0 {
			t.Errorf("%s: %q", path, wrong)
		}
	}
}

// The parser reports syntax errors, unknown cmdlets and unknown parameters.
func TestPowerShellParser(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, script, want string }{
		{"a cmdlet", "Stop-Service -Name x\n", ""},
		{"a missing brace", "if ($x) { Stop-Service -Name x\n", "line 1: "},
		{"an unterminated string", "Stop-Service -Name 'x\n", "line 1: "},
		{"an unknown cmdlet", "Stop-Servce -Name x\n", "Stop-Servce"},
		{"an unknown parameter", "Stop-Service -Named x\n", "Stop-Service -Named"},
		{"a function of the script", "function Invoke-It { Stop-Service -Name x }\nInvoke-It\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := strings.Join(parsePowerShell(t, tt.script).wrong(), ", ")
			if (got == "") != (tt.want == "") || !strings.HasPrefix(got, tt.want) {
				t.Errorf("%s: %q; want %q", tt.script, got, tt.want)
			}
		})
	}
}

// wrong returns the syntax errors and the calls that cmdlets does not allow.
func (s script) wrong() []string {
	wrong := slices.Clone(s.Errors)
	for _, command := range s.Commands {
		if slices.Contains(s.Functions, command.Name) || strings.HasPrefix(command.Name, "$") {
			continue
		}
		known, ok := cmdlets[command.Name]
		if !ok {
			wrong = append(wrong, command.Name)
		}
		for _, parameter := range command.Parameters {
			if !slices.Contains(strings.Fields(known), parameter) {
				wrong = append(wrong, command.Name+" "+parameter)
			}
		}
	}
	return wrong
}

// parsePowerShell parses a script with the tree-sitter grammar, because Debian has no
// PowerShell package.
func parsePowerShell(t testing.TB, text string) (s script) {
	t.Helper()
	parse(t, "powershell.mjs", text, &s)
	return s
}

// parse parses a text with a tree-sitter grammar and the named script, and stores its
// JSON in result.
func parse(t testing.TB, script, text string, result any) {
	t.Helper()
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skip("no npm here: install the Debian package npm")
	}
	folder, err := treeSitter()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", "--liftoff-only", script) // optimizing the parser takes longer than running it
	cmd.Dir, cmd.Stdin = folder, strings.NewReader(text)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	if err := json.Unmarshal(out, result); err != nil {
		t.Fatal(err)
	}
}

// treeSitter installs the parsers once and returns their folder.
var treeSitter = sync.OnceValues(func() (folder string, err error) {
	folder = filepath.Join(buildFolder, "tree-sitter")
	if err := os.CopyFS(folder, os.DirFS("testdata")); err != nil {
		return "", err
	}
	cmd := exec.Command("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--legacy-peer-deps",
		"tree-sitter-powershell@0.26.4", "tree-sitter-bicep@1.1.0", "web-tree-sitter@0.27.1")
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return folder, nil
})
