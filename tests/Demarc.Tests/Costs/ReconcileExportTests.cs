using System.Globalization;
using System.Text;
using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Tests.Commands;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Costs;

/// <summary>
/// <c>demarc reconcile</c> over exports in the clouds' own columns, written for this: Azure's cost details (Microsoft, "Cost and
/// usage details file schema", MCA 2023-12-01), AWS's CUR 2.0 (Data Exports, "Cost and Usage Report columns"; usage types of
/// Bedrock user guide, "Understanding your Amazon Bedrock Cost and Usage Report data") and Google's detailed usage cost export
/// (Cloud Billing, "Schema of the detailed usage cost data"). Each hour the ledger has 1,000,000 tokens of input and 200,000 of
/// output of claude-sonnet-4-6: $3 and $3.
/// </summary>
public sealed class ReconcileExportTests : IAsyncLifetime
{
    private const int Hours = 6;

    private static readonly DateTimeOffset Start = new(2026, 11, 2, 8, 0, 0, TimeSpan.Zero);

    private static readonly Dictionary<string, string> Resources = new()
    {
        ["azure"] = "platform: foundry, endpoint: \"https://contoso.services.ai.azure.com/anthropic\", region: eastus2, credential: { api_key: x }, deployments: [ { name: sonnet, model: claude-sonnet-4-6, hosting: anthropic } ]",
        ["aws"] = "platform: bedrock, region: us-east-1, credential: { bearer_token: x }, deployments: [ { name: global.anthropic.claude-sonnet-4-6-v1, model: claude-sonnet-4-6 } ]",
        ["google"] = "platform: vertex, region: global, project: contoso-1, credential: { google: default }, deployments: [ { name: claude-sonnet-4-6, model: claude-sonnet-4-6 } ]",
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("demarc-bills-").FullName;

    private StorePlace _place = null!;

    public async ValueTask InitializeAsync() => _place = await StorePlace.CreateAsync(StoreKind.Sqlite);

    public async ValueTask DisposeAsync()
    {
        await _place.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("aws", 1.0, 1.15, 1.0, 5.4)]
    [InlineData("aws", 0.88, 1.0, 0.88, 0)]
    [InlineData("aws", 0.88, 1.15, 0.88, 4.75)]
    [InlineData("google", 1.0, 1.15, 1.0, 5.4)]
    [InlineData("google", 1.1, 1.0, 1.1, 0)]
    public async Task With_quantities_a_constant_share_beside_is_bypass_and_a_contract_is_a_price(string cloud, double price, double usage, double factor, double bypass)
    {
        await FillAsync(cloud);

        var found = await ReconcileAsync(cloud, cloud == "aws" ? Cur(price, usage) : BigQuery(price, usage));

        Assert.Equal(("quantities", "hour", 2 * Hours), (found.GetProperty("price_basis").GetString(), found.GetProperty("granularity").GetString(), found.GetProperty("bill_lines").GetInt32()));
        Assert.All(found.GetProperty("prices").EnumerateArray(), p => Assert.Equal(factor, p.GetProperty("factor").GetDouble(), 3));
        Assert.Equal(factor == 1 ? [] : ["sonnet 4.6 input", "sonnet 4.6 output"], found.GetProperty("prices").EnumerateArray().Select(p => p.GetProperty("meter").GetString()));
        Assert.Equal(bypass, Usd(found, "bypass_usd"), 2);
        Assert.Equal((factor - 1) * 36, Usd(found, "price_usd"), 2);
    }

    [Theory]
    // A share beside cannot be a price, as nobody pays more than the list; a lower one may be a contract.
    [InlineData(1.15, 1.0, 5.4)]
    [InlineData(0.88, 0.88, 0)]
    public async Task In_consumption_units_nothing_above_the_list_is_a_price(double factor, double price, double bypass)
    {
        await FillAsync("azure", days: true);

        var found = await ReconcileAsync("azure", CostDetails(factor));

        Assert.Equal(("amounts", "day"), (found.GetProperty("price_basis").GetString(), found.GetProperty("granularity").GetString()));
        Assert.Equal(price, found.GetProperty("price_factor").GetDouble(), 3);
        Assert.Equal(bypass, Usd(found, "bypass_usd"), 2);
    }

    [Fact]
    public async Task Azure_is_compared_by_the_hour_where_the_export_has_hours_and_says_so_where_it_has_not()
    {
        await FillAsync("azure");
        var hours = new StringBuilder("ChargePeriodStart,ChargePeriodEnd,BilledCost,BillingCurrency,ServiceName,PublisherName,ChargeDescription,ConsumedQuantity,ConsumedUnit,ResourceId\n");
        for (var hour = 0; hour < Hours; hour++)
            hours.Append(CultureInfo.InvariantCulture, $"{Start.AddHours(hour):yyyy-MM-dd'T'HH:mm:ss'Z'},{Start.AddHours(hour + 1):yyyy-MM-dd'T'HH:mm:ss'Z'},{(hour == 2 ? 7 : 6)},USD,SaaS,Anthropic,Claude Consumption Unit,{(hour == 2 ? 700 : 600)},Units,\n");

        var found = await ReconcileAsync("azure", hours.ToString());

        Assert.Equal("hour", found.GetProperty("granularity").GetString());
        var only = Assert.Single(found.GetProperty("periods").EnumerateArray());
        Assert.Equal(("2026-11-02 10:00Z", "1.00"), (only.GetProperty("at").GetString(), only.GetProperty("bypass_usd").GetString()));

        await File.WriteAllTextAsync(Path.Combine(_folder, "bill.csv"), CostDetails(1), TestContext.Current.CancellationToken);
        var days = await DemarcCommand.RunAsync(_folder, "reconcile", "--provider", "azure", "bill.csv", "--config", "demarc.yaml");
        Assert.Contains("has days only", days.Errors, StringComparison.Ordinal);
        Assert.Contains("money, not tokens", days.Errors, StringComparison.Ordinal);
    }

    private async Task<JsonElement> ReconcileAsync(string cloud, string bill)
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "bill.csv"), bill, TestContext.Current.CancellationToken);
        return await DemarcCommand.JsonAsync(_folder, "reconcile", "--provider", cloud, "bill.csv", "--config", "demarc.yaml");
    }

    private async Task FillAsync(string cloud, bool days = false)
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "demarc.yaml"), $"store: {_place.Url}\nresources: [ {{ name: east, {Resources[cloud]} }} ]\n");
        Directory.CreateDirectory(Path.Combine(_folder, "data"));
        await File.WriteAllTextAsync(Path.Combine(_folder, "data", "master.key"), StorePlace.MasterKeyText);
        var store = await _place.OpenAsync();
        var organization = (await store.Organizations.EnsureFirstAsync("Contoso", StorePlace.Actor)).Id;
        for (var hour = 0; hour < Hours; hour++)
        {
            var at = days ? Start.AddDays(hour) : Start.AddHours(hour);
            var request = new Conversation(store, organization, at: at.ToUnixTimeMilliseconds());
            await request.BeginAsync(platform: cloud switch { "aws" => "bedrock", "google" => "vertex", _ => "foundry" });
            await request.FinishAsync(request.Finished(cost: 6_000_000_000) with { Usage = new UsageRecord { InputTokens = 1_000_000, OutputTokens = 200_000 } });
        }
        await _place.ProjectAsync(store);
    }

    private static double Usd(JsonElement found, string part) => double.Parse(found.GetProperty("total").GetProperty(part).GetString()!, CultureInfo.InvariantCulture);

    private static string Cur(double price, double usage)
    {
        var csv = new StringBuilder("identity_line_item_id,bill_billing_period_start_date,line_item_line_item_type,line_item_usage_start_date,line_item_usage_end_date,line_item_product_code,line_item_usage_type,line_item_operation,line_item_resource_id,line_item_usage_amount,line_item_currency_code,line_item_unblended_rate,line_item_unblended_cost,line_item_line_item_description,pricing_unit,product_product_name\n");
        for (var hour = 0; hour < Hours; hour++)
        {
            var from = Start.AddHours(hour).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
            // Newer and older names of usage types, the older in millions.
            csv.Append(CultureInfo.InvariantCulture, $"a{hour},2026-11-01T00:00:00.000Z,Usage,{from},{from},AmazonBedrock,USE1-Claude4.6Sonnet-input-tokens,InvokeModelInference,,{1_000_000 * usage},USD,0.000003,{3 * price * usage},$0.000003 per token,Tokens,Amazon Bedrock\n");
            csv.Append(CultureInfo.InvariantCulture, $"b{hour},2026-11-01T00:00:00.000Z,Usage,{from},{from},8fhx3example,USE1-MP:USE1_OutputTokenCount_Global-Units,Usage,,{0.2 * usage},USD,15.0000000000,{3 * price * usage},AWS Marketplace software usage|us-east-1|Million Response Tokens Global,Units,Claude Sonnet 4.6 (Amazon Bedrock Edition)\n");
            csv.Append(CultureInfo.InvariantCulture, $"c{hour},2026-11-01T00:00:00.000Z,Usage,{from},{from},AmazonEC2,USE1-BoxUsage,RunInstances,i-1,1,USD,1,1,per hour,Hrs,Amazon Elastic Compute Cloud\n");
        }
        return csv.ToString();
    }

    private static string BigQuery(double price, double usage)
    {
        var csv = new StringBuilder("billing_account_id,service.id,service.description,sku.id,sku.description,usage_start_time,usage_end_time,project.id,cost,currency,currency_conversion_rate,usage.amount,usage.unit,usage.amount_in_pricing_units,usage.pricing_unit,cost_type\n");
        for (var hour = 0; hour < Hours; hour++)
        {
            var from = Start.AddHours(hour).ToString("yyyy-MM-dd HH:mm:ss' UTC'", CultureInfo.InvariantCulture);
            csv.Append(CultureInfo.InvariantCulture, $"01A,C7E2,Vertex AI,AAAA,Claude Sonnet 4.6 Input Tokens - Global,{from},{from},contoso-1,{3 * price * usage},USD,1,{1_000_000 * usage},count,{1_000_000 * usage / 1000},1k tokens,regular\n");
            csv.Append(CultureInfo.InvariantCulture, $"01A,C7E2,Vertex AI,BBBB,Claude Sonnet 4.6 Output Tokens - Global,{from},{from},contoso-1,{3 * price * usage},USD,1,{200_000 * usage},count,{200_000 * usage / 1000},1k tokens,regular\n");
        }
        return csv.ToString();
    }

    private static string CostDetails(double factor)
    {
        var csv = new StringBuilder("\uFEFFinvoiceId,billingAccountId,date,serviceFamily,consumedService,meterId,meterName,meterCategory,meterSubCategory,meterRegion,ProductId,ProductName,SubscriptionId,publisherType,publisherName,resourceGroupName,ResourceId,quantity,unitOfMeasure,effectivePrice,unitPrice,billingCurrency,pricingCurrency,costInBillingCurrency,costInPricingCurrency,costInUsd,chargeType\n");
        for (var day = 0; day < Hours; day++)
        {
            var date = Start.AddDays(day).ToString("MM/dd/yyyy", CultureInfo.InvariantCulture);
            csv.Append(CultureInfo.InvariantCulture, $",b1,{date},SaaS,Microsoft.SaaS,m1,Claude Consumption Unit,SaaS,Claude in Microsoft Foundry,,P1,Claude in Microsoft Foundry - CCU,s1,Marketplace,Anthropic,rg,/subscriptions/s1/providers/Microsoft.SaaS/resources/claude,{600 * factor},1,0.01,0.01,USD,USD,{6 * factor},{6 * factor},{6 * factor},Usage\n");
        }
        return csv.ToString();
    }
}
