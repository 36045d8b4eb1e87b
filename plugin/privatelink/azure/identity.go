package azure

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/privatelink-dns/privatelink-dns/plugin/privatelink/casefold"
)

// A candidate is one identity of azidentity's default chain.
type candidate struct {
	name    string // as in "no token from NAME"
	managed bool
	// federated reports that its token is of a managed identity, which an application
	// trusts.
	federated bool
	// set reports that the environment configures this identity. Its error is the
	// one to report, even if later identities fail as well.
	set bool
	// probe reports that IMDS may not exist here, and others may follow.
	probe bool
	// reopen reports that its secrets are read again after an error: a file may
	// have another one.
	reopen bool
	client string            // of the managed identity; empty: AZURE_CLIENT_ID
	words  *strings.Replacer // for an error: the variables that count; may be nil
	open   opener
}

// The values of AZURE_TOKEN_CREDENTIALS select candidates by these bits.
const (
	servicePrincipal = 1 << iota
	workloadIdentity
	managedIdentity
	azureCLI
	developerCLI
	powerShell

	production  = servicePrincipal | workloadIdentity | managedIdentity
	development = azureCLI | developerCLI | powerShell
)

var selections = map[string]int{
	"": production | development, "prod": production, "dev": development,
	"environmentcredential": servicePrincipal, "workloadidentitycredential": workloadIdentity, "managedidentitycredential": managedIdentity,
	"azureclicredential": azureCLI, "azuredeveloperclicredential": developerCLI, "azurepowershellcredential": powerShell,
}

// candidates returns the identities in the order of azidentity's default chain.
func candidates() ([]candidate, error) {
	value := os.Getenv("AZURE_TOKEN_CREDENTIALS")
	selected, ok := selections[casefold.Lower(value)]
	if !ok {
		return nil, fmt.Errorf("AZURE_TOKEN_CREDENTIALS is %.80q: write prod, dev or one credential such as ManagedIdentityCredential, or remove the variable", value)
	}
	all := []candidate{
		{name: "the service principal", set: anySet("AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_USERNAME"), open: openServicePrincipal},
		{name: "the workload identity", set: anySet("AZURE_FEDERATED_TOKEN_FILE"), open: openWorkloadIdentity},
		{name: "the managed identity", managed: true, set: managedIsSet(), probe: usesIMDS() && selected != managedIdentity, open: openManagedIdentity},
		{name: "az login", open: openAzureCLI},
		{name: "azd auth login", open: openDeveloperCLI},
		{name: "Connect-AzAccount", open: openPowerShell},
	}
	var chosen []candidate
	for i, one := range all {
		if selected&(1<<i) != 0 {
			one.set = one.set || selected == 1<<i
			chosen = append(chosen, one)
		}
	}
	return chosen, nil
}

func anySet(variables ...string) bool {
	for _, variable := range variables {
		if os.Getenv(variable) != "" {
			return true
		}
	}
	return false
}

func isEmpty(variable string) bool {
	value, set := os.LookupEnv(variable)
	return set && value == ""
}

// managedIsSet includes AZURE_CLIENT_ID: without a secret it selects one of the
// managed identities.
func managedIsSet() bool {
	_, user := os.LookupEnv("AZURE_CLIENT_ID")
	return user || !usesIMDS()
}

// usesIMDS reports whether the managed identity is that of a virtual machine. All
// other hosts of identities have variables, or Arc's agent.
func usesIMDS() bool { return !anySet("IDENTITY_ENDPOINT", "MSI_ENDPOINT") && !hasArcAgent() }

func usesArc() bool {
	return !anySet("IDENTITY_HEADER", "MSI_ENDPOINT") && (anySet("IMDS_ENDPOINT") && anySet("IDENTITY_ENDPOINT") || hasArcAgent())
}

func hasArcAgent() bool {
	path := "/opt/azcmagent/bin/himds"
	if runtime.GOOS == "windows" {
		path = filepath.Join(os.Getenv("ProgramFiles"), "AzureConnectedMachineAgent", "himds.exe")
	}
	_, err := os.Stat(path)
	return err == nil
}

// errUnset is the error of an identity that is not configured.
var errUnset = errors.New("it is not configured")

func openServicePrincipal(o policy.ClientOptions, private bool) (azcore.TokenCredential, error) {
	if !anySet("AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_USERNAME") {
		return nil, errUnset
	}
	for _, variable := range []string{"AZURE_TENANT_ID", "AZURE_CLIENT_ID"} {
		if !anySet(variable) {
			return nil, errors.New(missing(variable) + ": a service principal needs AZURE_TENANT_ID, AZURE_CLIENT_ID, " +
				"and AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH")
		}
	}
	credential, err := azidentity.NewEnvironmentCredential(&azidentity.EnvironmentCredentialOptions{ClientOptions: o, DisableInstanceDiscovery: private})
	if err != nil {
		return nil, fmt.Errorf("%w: check AZURE_TENANT_ID and AZURE_CLIENT_CERTIFICATE_PATH", err)
	}
	return credential, nil
}

func missing(variable string) string {
	if isEmpty(variable) {
		return variable + " is empty"
	}
	return variable + " is not set"
}

func openWorkloadIdentity(o policy.ClientOptions, private bool) (azcore.TokenCredential, error) {
	if !anySet("AZURE_FEDERATED_TOKEN_FILE") {
		return nil, errUnset
	}
	for _, variable := range []string{"AZURE_TENANT_ID", "AZURE_CLIENT_ID"} {
		if !anySet(variable) {
			return nil, fmt.Errorf("%s: check the label azure.workload.identity/use of the pod, and the annotations of its service account", missing(variable))
		}
	}
	return azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{ClientOptions: o, DisableInstanceDiscovery: private})
}

func openManagedIdentity(o policy.ClientOptions, _ bool) (azcore.TokenCredential, error) {
	options := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: o}
	if isEmpty("AZURE_CLIENT_ID") {
		return nil, errors.New("AZURE_CLIENT_ID is empty: set it to the client ID of the identity, or remove the variable for the system-assigned one")
	}
	if id := os.Getenv("AZURE_CLIENT_ID"); id != "" {
		options.ID = azidentity.ClientID(id)
	}
	options.Retry = managedRetries(options.Retry)
	return azidentity.NewManagedIdentityCredential(options)
}

func openAzureCLI(policy.ClientOptions, bool) (azcore.TokenCredential, error) {
	return azidentity.NewAzureCLICredential(nil)
}

func openDeveloperCLI(policy.ClientOptions, bool) (azcore.TokenCredential, error) {
	return azidentity.NewAzureDeveloperCLICredential(nil)
}

func openPowerShell(policy.ClientOptions, bool) (azcore.TokenCredential, error) {
	return azidentity.NewAzurePowerShellCredential(nil)
}
