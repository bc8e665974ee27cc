using System.Globalization;
using System.Text.Json;
using Demarc.Control.Configuration;
using Demarc.Control.Costs;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Policy;
using Demarc.Storage;
using Demarc.Tests.Commands;
using Demarc.Tests.Harness;
using Demarc.Tests.Storage;
using Parquet.Serialization;
using Xunit;

namespace Demarc.Tests.Costs;

/// <summary>Costs as FOCUS 1.1 has them, as CSV and as Parquet.</summary>
public sealed class FocusTests
{
    private const string CostCenter = "=CC-1, \"north\"";

    private static readonly string[] Names = [.. FocusColumn.All.Select(c => c.Name)];

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task An_export_has_the_columns_and_adds_up_to_the_ledger(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var (rows, user) = await FillAsync(place);

        using var text = new StringWriter(CultureInfo.InvariantCulture);
        var count = await FocusExport.WriteCsvAsync(text, rows());

        var lines = Csv.Read(new StringReader(text.ToString())).ToArray();
        Assert.Equal(Names, lines[0]);
        Assert.Equal((50, 10L, 11), (lines[0].Length, count, lines.Length));
        Assert.All(lines, line => Assert.Equal(50, line.Length));
        // At half a euro a dollar; five kinds of tokens a call, each rounded to a nano-euro.
        Assert.InRange(Column("BilledCost").Sum(v => decimal.Parse(v, CultureInfo.InvariantCulture)), 0.66666666m, 0.66666668m);
        Assert.Equal(["Microsoft", "AWS"], Column("InvoiceIssuerName").Distinct());
        Assert.Equal(["2026-11-19T00:00:00Z", "2026-11-20T00:00:00Z"], Column("ChargePeriodStart").Distinct());
        Assert.Equal(["2026-12-01T00:00:00Z"], Column("BillingPeriodEnd").Distinct());
        Assert.Equal(["1000000 Tokens"], Column("PricingUnit").Distinct());
        Assert.Equal($$"""{"demarc/cost-center":"=CC-1, \u0022north\u0022","demarc/principal":"{{user}}"}""", Column("Tags").Distinct().Single());
        Assert.DoesNotContain("ana@contoso.example", text.ToString(), StringComparison.Ordinal);
        Assert.Equal(["", ""], Column("AvailabilityZone").Take(2));

        using var file = new MemoryStream();
        Assert.Equal(count, await FocusExport.WriteParquetAsync(file, rows()));
        file.Position = 0;
        var read = await ParquetSerializer.DeserializeUntypedAsync(file, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(lines.Skip(1), read.Data.Select(row => Names.Select(name => Text(row.GetValueOrDefault(name))).ToArray()));

        IEnumerable<string> Column(string name) => lines.Skip(1).Select(line => line[Array.IndexOf(Names, name)]);
    }

    [Fact]
    public async Task Nothing_spent_is_a_file_of_columns()
    {
        using var file = new MemoryStream();

        Assert.Equal(0, await FocusExport.WriteParquetAsync(file, AsyncEnumerable.Empty<Dictionary<string, object?>>()));

        file.Position = 0;
        var read = await ParquetSerializer.DeserializeUntypedAsync(file, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal((0, 50), (read.Data.Count, read.Schema.Fields.Count));
    }

    [Fact]
    public async Task Another_reader_finds_the_types_that_the_specification_has_and_the_same_rows_as_the_csv()
    {
        Component.Npm(Path.Combine("hyparquet", "package.json"));
        await using var place = await StorePlace.CreateAsync(StoreKind.Sqlite);
        await FillAsync(place);
        var folder = Directory.CreateTempSubdirectory("demarc-focus-").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder, "demarc.yaml"), $"store: {place.Url}\n", TestContext.Current.CancellationToken);
            Directory.CreateDirectory(Path.Combine(folder, "data"));
            await File.WriteAllTextAsync(Path.Combine(folder, "data", "master.key"), StorePlace.MasterKeyText, TestContext.Current.CancellationToken);
            string[] export = ["export", "focus", "--from", "2026-11-19", "--to", "2026-11-20", "--config", "demarc.yaml"];
            Assert.Contains("--out FILE", await DemarcCommand.FailsAsync(1, folder, [.. export, "--format", "parquet"]), StringComparison.Ordinal);
            await DemarcCommand.DoneAsync(folder, [.. export, "--format", "parquet", "--out", "november.parquet"]);
            var csv = Csv.Read(new StringReader(await DemarcCommand.DoneAsync(folder, export))).ToArray();

            var result = await Command.RunAsync("node", [Repository.Path("tests", "clients", "parquet.mjs"), Path.Combine(folder, "november.parquet")], folder, DemarcCommand.Environment, TestContext.Current.CancellationToken);
            Assert.True(result.ExitCode == 0, result.ToString());
            using var json = JsonDocument.Parse(result.Output);

            var columns = json.RootElement.GetProperty("columns").EnumerateArray().ToDictionary(c => c.GetProperty("name").GetString()!);
            Assert.Equal(Names, columns.Keys);
            Assert.Equal("""{"name":"BilledCost","type":"FIXED_LEN_BYTE_ARRAY","logical":"DECIMAL","scale":12,"required":true}""", columns["BilledCost"].GetRawText());
            Assert.Equal("""{"name":"ChargePeriodStart","type":"INT64","logical":"TIMESTAMP","scale":null,"required":true}""", columns["ChargePeriodStart"].GetRawText());
            Assert.Equal("""{"name":"AvailabilityZone","type":"BYTE_ARRAY","logical":"STRING","scale":null,"required":false}""", columns["AvailabilityZone"].GetRawText());
            var rows = json.RootElement.GetProperty("rows").EnumerateArray().ToArray();
            Assert.Equal(csv.Length - 1, rows.Length);
            Assert.All(csv.Skip(1).Zip(rows), pair => Assert.All(FocusColumn.All.Zip(pair.First), cell => Same(cell.First, cell.Second, pair.Second.GetProperty(cell.First.Name))));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Same(FocusColumn column, string csv, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Null)
            Assert.Equal("", csv);
        else if (column.Type == FocusType.Number)
            // Numbers of JavaScript have 15 digits.
            Assert.Equal(double.Parse(csv, CultureInfo.InvariantCulture), value.GetDouble(), 1e-9);
        else if (column.Type == FocusType.Time)
            Assert.Equal(DateTimeOffset.Parse(csv, CultureInfo.InvariantCulture), value.GetDateTimeOffset());
        else
            Assert.Equal(csv, value.GetString());
    }

    private static string Text(object? value) => value switch
    {
        null => "",
        decimal number => number.ToString("0.############", CultureInfo.InvariantCulture),
        DateTime time => time.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
        _ => Assert.IsType<string>(value),
    };

    private static async Task<(Func<IAsyncEnumerable<Dictionary<string, object?>>> Rows, string User)> FillAsync(StorePlace place)
    {
        var store = await place.OpenAsync();
        var organization = (await store.Organizations.EnsureFirstAsync("Contoso", StorePlace.Actor)).Id;
        var user = (await store.Users.CreateAsync(organization, "ana@contoso.example", "Ana", "developer", StorePlace.Actor))!;
        await store.Users.UpdateAsync(organization, user.Id, StorePlace.Actor, costCenter: CostCenter);
        await FinanceTests.SpendAsync(store, new(2026, 11, 19), 1_000_000_007, organization: organization, actor: user.Id);
        await FinanceTests.SpendAsync(store, new(2026, 11, 20), 333_333_333, organization: organization, actor: user.Id, platform: "bedrock");
        await place.ProjectAsync(store);
        var rows = new FocusRows(store, organization, "Contoso", new BillingConfig("EUR", 500_000_000, 1), Snapshot());
        return (() => rows.ListAsync(new(2026, 11, 19), new(2026, 11, 21)), user.Id);
    }

    private static GatewaySnapshot Snapshot() => new()
    {
        Resources = [],
        Aliases = [],
        Policies = [],
        Catalog = Catalog.Parse(File.ReadAllBytes(Repository.Path("catalog", "catalog.json"))),
        PolicyHash = "sha256:p",
        ConfigurationHash = "sha256:c",
        MaxBodyBytes = 1,
    };
}
