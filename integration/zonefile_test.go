package integration

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// zones are those of vault.
var zones = []string{blobZone, queueZone, weZone}

// A server with the output of dig axfr as its zone files returns the same answers as the
// server that was asked. So does the output of named-compilezone.
func TestZoneFilesOfPrograms(t *testing.T) {
	t.Parallel()
	compile := need(t, "named-compilezone", "bind9-utils")
	s, _ := serve(t, corefile("transfer {", "    to *", "}"))
	s.write("compiled/.keep", "")
	for _, zone := range zones {
		transferred := digText(t, s.addr(""), zone, "AXFR")
		s.write("transferred/"+zone+".zone", transferred)
		s.write("relative.db", withoutEnd(transferred, zone))
		to, from := filepath.Join(s.dir, "compiled", zone+".zone"), filepath.Join(s.dir, "relative.db")
		out, err := exec.Command(compile, "-q", "-s", "relative", "-o", to, zone, from).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", compile, err, out)
		}
	}
	for _, folder := range []string{"transferred", "compiled"} {
		s.prints("records -zonefile "+folder+"/*.zone -diff files:vault.json", 0, "")
	}

	second := prepare(t, strings.Replace(corefile(), "files {$DIR}/*.json", "zonefile {$DIR}/*.zone", 1))
	second.env["UPSTREAM"] = s.env["UPSTREAM"]
	for _, zone := range zones {
		text, err := os.ReadFile(filepath.Join(s.dir, "transferred", zone+".zone"))
		if err != nil {
			t.Fatal(err)
		}
		second.write(zone+".zone", string(text))
	}
	second.start()
	for _, line := range vault {
		name := strings.Fields(line)[0]
		second.remains(name, dig(t, s.addr(""), name).String())
	}
	second.logs(`added wepod01dual1x\.` + blobZone + `: 10\.20\.0\.15, 10\.20\.0\.16, fd00:20::15 from \S+/` + blobZone + `\.zone, zone ` + blobZone)

	// A transfer that broke off is an error, and its names stay.
	text := digText(t, s.addr(""), blobZone, "AXFR")
	second.write(blobZone+".zone", withoutEnd(text, blobZone))
	second.logs(`ERROR.* a transfer that is not whole: .*\(its last good records are served\)`)
	name := strings.Fields(vault[2])[0]
	second.remains(name, dig(t, s.addr(""), name).String())

	// One address more, in a whole transfer, is served at once.
	more := "new." + blobZone + ". 60 IN A 10.20.0.99\n"
	second.write(blobZone+".zone", withoutEnd(text, blobZone)+more+strings.TrimPrefix(text, withoutEnd(text, blobZone)))
	second.logs(`added new\.` + blobZone + `: 10\.20\.0\.99 from `)
	second.logs(`recovered`)
}

// withoutEnd removes the SOA record at the end of a transfer, which a zone file has once.
func withoutEnd(transfer, zone string) string {
	return transfer[:strings.LastIndex(transfer, "\n"+zone)+1]
}

// Terraform's real output is recognized. Its state has no private endpoint here, because
// the provider azurerm is not installed.
func TestTerraformOutput(t *testing.T) {
	t.Parallel()
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("no terraform here")
	}
	s := prepare(t, "")
	s.write("main.tf", `resource "terraform_data" "a" {
  input = { ip = "10.20.0.4" }
}

output "value" {
  value = terraform_data.a.output
}
`)
	do := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), terraform, args...)
		cmd.Dir, cmd.Env = s.dir, append(os.Environ(), "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1", "TF_CLI_CONFIG_FILE="+filepath.Join(s.dir, "none.tfrc"))
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Run(); err != nil {
			t.Fatalf("%s: %v\n%s", cmd, err, stderr.String())
		}
		return stdout.String()
	}
	s.write("none.tfrc", "")
	do("init", "-no-color")
	do("plan", "-out", "plan")
	s.write("plan.json", do("show", "-json", "plan"))
	do("apply", "-auto-approve", "-no-color")
	s.write("state.json", do("show", "-json"))
	s.write("outputs.json", do("output", "-json"))
	s.write("show.txt", do("show", "-no-color"))
	for file, want := range map[string]string{
		"plan.json":         "a plan of Terraform, which is not applied yet: ",
		"state.json":        "a state of Terraform without azurerm_private_endpoint ",
		"outputs.json":      "outputs of Terraform, ",
		"terraform.tfstate": "a state file of Terraform, ",
		"main.tf":           "this is the language of Terraform; use terraform show -json",
		"show.txt":          "this is the language of Terraform; use terraform show -json",
	} {
		if _, stderr, status := s.command("records -files " + file); status != 2 || !strings.Contains(stderr, want) {
			t.Errorf("records -files %s: status %d, %s; want 2, %q", file, status, stderr, want)
		}
	}
}
