using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Demarc.Storage;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Identity.Tokens;

/// <summary>
/// Identity tokens as each platform documents them, traded by the rules of docs/workloads.md as they stand there; only the
/// keys are the test's own.
/// </summary>
public sealed partial class WorkloadShapeTests(WorkloadShapeTests.Place place) : IClassFixture<WorkloadShapeTests.Place>
{
    private const string Tenant = "00000000-0000-0000-0000-000000000000";
    private const string Identity = "66666666-0000-0000-0000-000000000000";
    private const string Gateway = "https://claude.contoso.example";

    /// <summary>Each platform's payload (its own documentation), and what of it makes a token another's.</summary>
    private static readonly Dictionary<string, (string Payload, (string Claim, string Value)[] Others)> Shapes = new()
    {
        // GitHub, "OpenID Connect reference"
        ["github"] = ($$"""
            {"iss":"https://token.actions.githubusercontent.com","sub":"repo:contoso/app:ref:refs/heads/main","aud":"{{Gateway}}","ref":"refs/heads/main","ref_type":"branch","sha":"1f2e","repository":"contoso/app",
             "repository_id":"74","repository_owner":"contoso","repository_owner_id":"65","repository_visibility":"private","actor":"octocat","actor_id":"12","workflow":"CI","workflow_ref":"contoso/app/.github/workflows/ci.yml@refs/heads/main",
             "head_ref":"","base_ref":"","event_name":"push","runner_environment":"github-hosted","job_workflow_ref":"contoso/app/.github/workflows/ci.yml@refs/heads/main","run_id":"2","run_number":"10","run_attempt":"1"}
            """, [("sub", "repo:contoso/app:pull_request"), ("sub", "repo:contoso/app:ref:refs/heads/main2"), ("repository_owner", "contoso-evil"), ("aud", "https://github.com/contoso")]),
        // GitLab, "OpenID Connect (OIDC) Authentication Using ID Tokens": numbers and flags come as text
        ["gitlab"] = ($$"""
            {"namespace_id":"72","namespace_path":"contoso","project_id":"20","project_path":"contoso/app","user_id":"1","user_login":"sample","user_email":"sample@contoso.example","user_identities":[{"provider":"github","extern_uid":"2"}],
             "pipeline_id":"574","pipeline_source":"push","job_id":"302","ref":"main","ref_type":"branch","ref_path":"refs/heads/main","ref_protected":"true","groups_direct":["contoso"],"environment":"","runner_id":1,"runner_environment":"self-hosted",
             "sha":"714a","project_visibility":"private","ci_config_ref_uri":"gitlab.com/contoso/app//.gitlab-ci.yml@refs/heads/main","ci_config_sha":"714a","iss":"https://gitlab.com","aud":"{{Gateway}}",
             "sub":"project_path:contoso/app:ref_type:branch:ref:main"}
            """, [("sub", "project_path:contoso/app:ref_type:branch:ref:feature"), ("ref_protected", "false"), ("namespace_id", "73"), ("iss", "https://gitlab.example.com")]),
        // Azure DevOps, "Oidctoken - Create", of a pipeline without a service connection
        ["azure-devops"] = ("""
            {"sub":"p://contoso/app/nightly","aud":"api://AzureADTokenExchange","org_id":"22222222-0000-0000-0000-000000000000","prj_id":"7","def_id":"12","rpo_id":"9","rpo_uri":"https://dev.azure.com/contoso/app/_git/app","rpo_ver":"1f2e",
             "rpo_ref":"refs/heads/main","run_id":"31","iss":"https://vstoken.dev.azure.com/22222222-0000-0000-0000-000000000000"}
            """, [("sub", "p://contoso/app/other"), ("sub", "sc://contoso/app/nightly"), ("rpo_ref", "refs/heads/feature"), ("iss", "https://vstoken.dev.azure.com/22222222-0000-0000-0000-000000000001")]),
        // WIF providers, "Azure": a managed identity's token of version 2, which has uti and no jti
        ["azure-function"] = ($$"""
            {"aud":"55555555-0000-0000-0000-000000000000","iss":"https://login.microsoftonline.com/{{Tenant}}/v2.0","azp":"77777777-0000-0000-0000-000000000000","azpacr":"2","idtyp":"app","oid":"{{Identity}}","rh":"0.A","sub":"{{Identity}}",
             "tid":"{{Tenant}}","uti":"u","ver":"2.0"}
            """, [("oid", "66666666-0000-0000-0000-000000000001"), ("tid", "00000000-0000-0000-0000-000000000001"), ("aud", "55555555-0000-0000-0000-000000000001"), ("iss", $"https://sts.windows.net/{Tenant}/")]),
        // The same, of version 1
        ["azure-vm"] = ($$"""
            {"aud":"api://55555555-0000-0000-0000-000000000000","iss":"https://sts.windows.net/{{Tenant}}/","appid":"77777777-0000-0000-0000-000000000000","appidacr":"2","idp":"https://sts.windows.net/{{Tenant}}/","idtyp":"app","oid":"{{Identity}}",
             "rh":"0.A","sub":"{{Identity}}","tid":"{{Tenant}}","uti":"u","ver":"1.0","xms_mirid":"/subscriptions/1/resourcegroups/ci/providers/Microsoft.ManagedIdentity/userAssignedIdentities/runner"}
            """, [("oid", "66666666-0000-0000-0000-000000000001"), ("aud", "https://management.azure.com/")]),
        // AKS, "Use Microsoft Entra Workload ID": the cluster's own token; its issuer ends in a slash, its audience is a list
        ["aks"] = ($$"""
            {"aud":["{{Gateway}}"],"iss":"https://westeurope.oic.prod-aks.azure.com/{{Tenant}}/33333333-0000-0000-0000-000000000000/","jti":"again","kubernetes.io":{"namespace":"ci","node":{"name":"n","uid":"1"},"pod":{"name":"p","uid":"2"},
             "serviceaccount":{"name":"runner","uid":"3"},"warnafter":1700003607},"sub":"system:serviceaccount:ci:runner"}
            """, [("sub", "system:serviceaccount:ci:runner2"), ("sub", "system:serviceaccount:other:runner"), ("iss", $"https://westeurope.oic.prod-aks.azure.com/{Tenant}/33333333-0000-0000-0000-000000000000")]),
        // Kubernetes, "Configure Service Accounts for Pods", projected volumes
        ["kubernetes"] = ($$"""
            {"aud":["{{Gateway}}"],"iss":"https://kubernetes.default.svc.cluster.local","jti":"again","kubernetes.io":{"namespace":"ci","pod":{"name":"p","uid":"2"},"serviceaccount":{"name":"runner","uid":"3"} },
             "sub":"system:serviceaccount:ci:runner"}
            """, [("sub", "system:serviceaccount:ci:default"), ("kubernetes.io", """{"namespace":"other"}"""), ("aud", "https://kubernetes.default.svc.cluster.local")]),
        // AWS, "Understanding token claims": its own claims under a name with slashes
        ["aws"] = ($$"""
            {"iss":"https://44444444-0000-0000-0000-000000000000.tokens.sts.global.api.aws","aud":"{{Gateway}}","sub":"arn:aws:iam::123456789012:role/runner",
             "https://sts.amazonaws.com/":{"aws_account":"123456789012","source_region":"eu-central-1","org_id":"o-abc1234567","principal_tags":{"team":"ci"},"request_tags":{"job-id":"1"} } }
            """, [("sub", "arn:aws:iam::123456789012:role/runner2"), ("https://sts.amazonaws.com/", """{"aws_account":"210987654321"}"""), ("iss", "https://44444444-0000-0000-0000-000000000001.tokens.sts.global.api.aws")]),
        // WIF providers, "Google Cloud", with format=full: a flag that is none in quotes
        ["google"] = ($$"""
            {"iss":"https://accounts.google.com","aud":"{{Gateway}}","azp":"104892101234567890123","sub":"104892101234567890123","email":"runner@contoso.iam.gserviceaccount.com","email_verified":true,
             "google":{"compute_engine":{"instance_creation_timestamp":1700000000,"instance_id":"1","instance_name":"n","project_id":"contoso","project_number":1,"zone":"europe-west3-a"} } }
            """, [("sub", "104892101234567890124"), ("email", "runner@contoso-evil.iam.gserviceaccount.com"), ("email_verified", "false")]),
    };

    public static TheoryData<string> Platforms => [.. Shapes.Keys];

    [Theory]
    [MemberData(nameof(Platforms))]
    public async Task A_workload_trades_its_platforms_token_and_nobody_else_does(string platform)
    {
        var (payload, others) = Shapes[platform];
        var (status, answer) = await place.Issuer.TradeAsync(place.Gateway, Claims(payload), platform);
        Assert.True(status == HttpStatusCode.OK, answer.ToString());
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(place.Gateway.Url, "/v1/me"));
        request.Headers.Authorization = new("Bearer", answer.Access());
        using var served = await place.Gateway.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, served.StatusCode);

        foreach (var (claim, value) in others)
        {
            var changed = Claims(payload);
            changed[claim] = value.StartsWith('{') ? JsonNode.Parse(value) : value;
            var refused = await place.Issuer.TradeAsync(place.Gateway, changed, platform);
            Assert.True(refused.Status == HttpStatusCode.Unauthorized, $"{claim} {value}: {refused}");
            // The limit is on one address, and all of these come from here.
            place.Time.Step(TimeSpan.FromMinutes(2));
        }
    }

    [Fact]
    public void Every_platform_has_a_rule_on_the_page_and_every_rule_a_shape() =>
        Assert.Equal(Shapes.Keys.Order(), RuleName().Matches(Place.Page).Select(m => m.Groups[1].Value).Order());

    private JsonObject Claims(string payload)
    {
        var claims = JsonNode.Parse(payload)!.AsObject();
        var now = place.Time.GetUtcNow().ToUnixTimeSeconds();
        (claims["iat"], claims["nbf"], claims["exp"]) = (now, now, now + 900);
        return claims;
    }

    [GeneratedRegex("- \\{ name: ([a-z0-9-]+), issuer: [a-z0-9-]+, audience: ")]
    private static partial Regex RuleName();

    public sealed class Place : IAsyncLifetime
    {
        /// <summary>The page's own section, with another's keys.</summary>
        public static readonly string Page = Section().Match(File.ReadAllText(Repository.Path("docs", "workloads.md"))).Groups[1].Value;

        internal WorkloadIssuer Issuer { get; } = new();

        internal SteppedTime Time { get; } = new();

        public GatewayFixture Gateway { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            var federation = Keys().Replace(Page, $"$1, keys_file: \"{Issuer.KeysFile}\" }}");
            Gateway = await GatewayFixture.StartAsync(federation + """
                resources:
                  - { name: behind, platform: anthropic, endpoint: SIMULATOR, credential: { api_key: test }, deployments: [{ name: deployed, model: claude-sonnet-4-5-20250929 }] }
                """, Time);
            await using var store = await Gateway.OpenStoreAsync();
            await store.ServiceAccounts.CreateAsync((await Gateway.SqlAsync<string>("SELECT organization_id FROM users LIMIT 1"))!, "nightly-build", new("cli", "test"));
        }

        public async ValueTask DisposeAsync()
        {
            await Gateway.DisposeAsync();
            Issuer.Dispose();
        }
    }

    // What stands behind an issuer's address says where its keys are.
    [GeneratedRegex("(- \\{ name: [a-z0-9-]+, issuer: \"https://[^\"]+\")(, (discovery: \"[^\"]+\"|keys_file: [a-z.-]+))? \\}")]
    private static partial Regex Keys();

    [GeneratedRegex("```yaml\n(federation:\n.*?)```", RegexOptions.Singleline)]
    private static partial Regex Section();
}
