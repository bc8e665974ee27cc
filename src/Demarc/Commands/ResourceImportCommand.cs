using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Demarc.Governance.Boundaries;
using Demarc.Proxy.Upstreams.Management;
using Microsoft.Extensions.Logging.Abstractions;

namespace Demarc.Commands;

/// <summary><c>demarc resource import</c>: configuration from what exists. It holds references to credentials, never one.</summary>
internal static class ResourceImportCommand
{
    public static Command Create()
    {
        var azure = new Option<bool>("--azure") { Description = "From Azure Resource Manager, with the identity of DefaultAzureCredential", Required = true };
        var subscription = new Option<string>("--subscription") { Description = "The subscription's id", Required = true };
        var group = new Option<string?>("--resource-group") { Description = "One resource group; default all" };
        var endpoint = new Option<string?>("--endpoint") { Description = "Resource Manager's address, where it is not https://management.azure.com" };
        var output = new Option<string?>("--out") { Description = "A file that is not there yet; default standard output" };
        return new Command("import", "Write configuration for the Claude deployments that exist") { azure, subscription, group, endpoint, output }.Runs(async context =>
        {
            var address = context.Get(endpoint) is { } text ? Address(text) : null;
            using var client = new ManagementClient(context.Time, NullLogger<ManagementClient>.Instance);
            AzureAccount[] accounts;
            try
            {
                accounts = await AzureInventory.ReadAsync(client, context.Catalog, address, context.Get(subscription)!, context.Get(group), CancellationToken.None);
            }
            catch (ManagementException e)
            {
                throw new CommandException(e.Message);
            }
            if (accounts.Length == 0)
                throw new CommandException("There is no Claude deployment in this subscription or resource group.");
            if (context.Output.IsJson)
            {
                context.Output.One(accounts);
                return;
            }
            var yaml = Yaml(accounts, context.Catalog, context.Get(subscription)!, address, context.Today);
            if (context.Get(output) is not { } path)
            {
                Console.Write(yaml);
                return;
            }
            await using var file = new StreamWriter(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write });
            await file.WriteAsync(yaml);
            Console.WriteLine($"{path}: {accounts.Length} resources, {accounts.Sum(a => a.Deployments.Length)} deployments. Check it with: demarc config check {path}");
        });
    }

    // A token goes there: in the clear to this machine at most.
    private static Uri Address(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var address) && (address.Scheme == "https" || (address.Scheme == "http" && address.IsLoopback)) && address.PathAndQuery == "/"
            ? address
            : throw new CommandException("--endpoint: give https:// and a host, for example https://management.usgovcloudapi.net.");

    private static string Yaml(AzureAccount[] accounts, Catalog catalog, string subscription, Uri? endpoint, DateOnly today)
    {
        var yaml = new StringBuilder();
        Line($"# What Azure Resource Manager had on {today:yyyy-MM-dd}. Lines that begin with # could not be declared, for the reason beside them.");
        Line("resources:");
        foreach (var account in accounts)
        {
            var foundry = catalog.PlatformOf(Platform.Foundry);
            // A region that the catalog does not know would be refused: nothing is known of where it is.
            var mark = foundry.RegionsComplete && !Array.Exists(foundry.Regions, r => r.Name == account.Location) ? "# " : "";
            if (mark.Length > 0)
                Line($"  # The catalog has no Foundry region {account.Location}.");
            Line($"  {mark}- name: {account.Name.ToLowerInvariant()}");
            Line($"  {mark}  platform: foundry");
            Line($"  {mark}  endpoint: https://{account.Subdomain}.services.ai.azure.com/anthropic");
            Line($"  {mark}  region: {account.Location}");
            Line($"  {mark}  credential: {{ azure: default }} # or {{ api_key: \"${{{Variable(account.Name)}}}\" }}");
            var at = endpoint is null ? "" : $"endpoint: {Quote(endpoint.AbsoluteUri.TrimEnd('/'))}, ";
            Line($"  {mark}  management: {{ {at}subscription: {Quote(subscription)}, resource_group: {Quote(account.ResourceGroup)}, account: {Quote(account.Name)} }}");
            Line($"  {mark}  deployments:");
            foreach (var deployment in account.Deployments)
                Deployment(deployment, mark);
        }
        return yaml.ToString();

        void Deployment(AzureClaude deployment, string mark)
        {
            var known = deployment.Scope == "global" || Array.Exists(catalog.PlatformOf(Platform.Foundry).Scopes, s => s.Name == deployment.Scope);
            var reason = deployment.Hosting is null ? $"version {deployment.Version} does not tell its hosting: azure or anthropic?"
                : !known ? $"the catalog has no scope {deployment.Scope} on Foundry"
                : null;
            var hosting = deployment.Hosting?.Wire() ?? "azure";
            var model = catalog.FindModel(deployment.Model)?.Id ?? deployment.Model;
            var floating = deployment.IsPinned ? "" : ", facts: { edge.pinning: { value: floating, reason: \"Azure upgrades this deployment by itself (versionUpgradeOption)\" } }";
            Line($"  {mark}    {(reason is null ? "" : "# ")}- {{ name: {Quote(deployment.Name)}, model: {Quote(model)}, scope: {Quote(deployment.Scope)}, hosting: {hosting}{floating} }}{(reason is null ? "" : $" # {reason}")}");
        }

        void Line(string text) => yaml.Append(CultureInfo.InvariantCulture, $"{text}\n");
    }

    private static string Variable(string name) => string.Concat(name.ToUpperInvariant().Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_')) + "_KEY";

    // JSON's quotes are YAML's too.
    private static string Quote(string text) => JsonSerializer.Serialize(text);
}
