import com.azure.core.credential.AccessToken;
import com.azure.core.credential.TokenCredential;
import com.azure.core.credential.TokenRequestContext;
import com.azure.identity.AzureCliCredentialBuilder;
import com.azure.identity.AzureDeveloperCliCredentialBuilder;
import com.azure.identity.AzurePowerShellCredentialBuilder;
import com.azure.identity.ClientSecretCredentialBuilder;
import com.azure.identity.DefaultAzureCredentialBuilder;
import com.azure.identity.ManagedIdentityCredentialBuilder;
import com.azure.identity.WorkloadIdentityCredentialBuilder;
import com.azure.json.JsonProviders;
import com.azure.json.JsonReader;
import com.azure.json.JsonWriter;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** Gets tokens with credentials of azure-identity: one request a line, one answer a line, as JSON. */
public final class Tokens {
    private Tokens() {
    }

    public static void main(String[] arguments) throws Exception {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        String line;
        while ((line = input.readLine()) != null) {
            Map<String, Object> request;
            try (JsonReader reader = JsonProviders.createReader(line)) {
                request = reader.readMap(JsonReader::readUntyped);
            }
            StringWriter answer = new StringWriter();
            try (JsonWriter writer = JsonProviders.createWriter(answer)) {
                writer.writeMap(answer(request), JsonWriter::writeUntyped);
            }
            System.out.println(answer);
        }
    }

    private static Map<String, Object> answer(Map<String, Object> request) {
        Map<String, Object> answer = new LinkedHashMap<>();
        try {
            TokenRequestContext context = new TokenRequestContext().addScopes((String) request.get("scope"));
            if (request.containsKey("claims")) {
                context.setClaims((String) request.get("claims"));
            }
            AccessToken token = credential(request).getTokenSync(context);
            answer.put("token", token.getToken());
            answer.put("expires", token.getExpiresAt().toEpochSecond());
        } catch (RuntimeException error) {
            answer.put("error", error.getClass().getSimpleName());
            answer.put("message", String.valueOf(error.getMessage()));
        }
        return answer;
    }

    private static TokenCredential credential(Map<String, Object> request) {
        String tenant = (String) request.get("tenant_id");
        String client = (String) request.get("client_id");
        switch ((String) request.get("credential")) {
            case "AzureCliCredential":
                return new AzureCliCredentialBuilder().tenantId(tenant).build();
            case "AzureDeveloperCliCredential":
                return new AzureDeveloperCliCredentialBuilder().tenantId(tenant).build();
            case "AzurePowerShellCredential":
                return new AzurePowerShellCredentialBuilder().tenantId(tenant).build();
            case "ClientSecretCredential":
                return new ClientSecretCredentialBuilder().tenantId(tenant).clientId(client)
                    .clientSecret((String) request.get("client_secret")).build();
            case "DefaultAzureCredential":
                return new DefaultAzureCredentialBuilder().build();
            case "ManagedIdentityCredential":
                return new ManagedIdentityCredentialBuilder().clientId(client).build();
            case "WorkloadIdentityCredential":
                return new WorkloadIdentityCredentialBuilder().build();
            default:
                throw new IllegalArgumentException("there is no credential " + request.get("credential"));
        }
    }
}
