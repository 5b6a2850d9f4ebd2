// Gets tokens with credentials of azidentity: one request a line, one answer a line, as JSON.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

type request struct {
	Credential string  `json:"credential"`
	Scope      string  `json:"scope"`
	Claims     string  `json:"claims"`
	TenantID   string  `json:"tenant_id"`
	ClientID   string  `json:"client_id"`
	Secret     string  `json:"client_secret"`
	AzureProxy bool    `json:"enable_azure_proxy"`
	Timeout    float64 `json:"timeout"` // seconds; without one the SDK has its own
}

type answer struct {
	Token   string `json:"token,omitempty"`
	Expires int64  `json:"expires,omitempty"`
	Error   string `json:"error,omitempty"`
	Message string `json:"message,omitempty"`
}

func makeCredential(asked request) (azcore.TokenCredential, error) {
	switch asked.Credential {
	case "AzureCliCredential":
		return azidentity.NewAzureCLICredential(nil)
	case "AzureDeveloperCliCredential":
		return azidentity.NewAzureDeveloperCLICredential(nil)
	case "AzurePowerShellCredential":
		return azidentity.NewAzurePowerShellCredential(nil)
	case "ClientSecretCredential":
		return azidentity.NewClientSecretCredential(asked.TenantID, asked.ClientID, asked.Secret, nil)
	case "ManagedIdentityCredential":
		return azidentity.NewManagedIdentityCredential(nil)
	case "WorkloadIdentityCredential":
		return azidentity.NewWorkloadIdentityCredential(
			&azidentity.WorkloadIdentityCredentialOptions{EnableAzureProxy: asked.AzureProxy})
	case "DefaultAzureCredential":
		return azidentity.NewDefaultAzureCredential(nil)
	}
	return nil, fmt.Errorf("there is no credential %q", asked.Credential)
}

func getToken(asked request) (azcore.AccessToken, error) {
	credential, err := makeCredential(asked)
	if err != nil {
		return azcore.AccessToken{}, err
	}
	ctx := context.Background()
	if asked.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(asked.Timeout*float64(time.Second)))
		defer cancel()
	}
	options := policy.TokenRequestOptions{Scopes: []string{asked.Scope}, Claims: asked.Claims}
	if asked.Credential != "ClientSecretCredential" {
		options.TenantID = asked.TenantID
	}
	return credential.GetToken(ctx, options)
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	output := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var asked request
		result := answer{}
		err := json.Unmarshal(lines.Bytes(), &asked)
		if err == nil {
			var token azcore.AccessToken
			token, err = getToken(asked)
			result.Token, result.Expires = token.Token, token.ExpiresOn.Unix()
		}
		if err != nil {
			result = answer{Error: fmt.Sprintf("%T", err), Message: err.Error()}
		}
		if err := output.Encode(result); err != nil {
			os.Exit(1)
		}
	}
}
