using System.Globalization;
using Demarc.Bench.Activities;
using Demarc.Governance.Evidence;
using Demarc.Storage;
using Microsoft.Extensions.Logging.Abstractions;

// demarc-bench-activities fill|measure|prove STORE [ROWS], STORE as sqlite:FILE or "Host=…;Database=…;Command Timeout=0": ten million activities, pages of them by every filter, and proofs.
if (args is not ["fill" or "measure" or "prove", var url, ..])
{
    await Console.Error.WriteLineAsync("usage: demarc-bench-activities fill STORE [ROWS]\n       demarc-bench-activities measure STORE [FILTER]\n       demarc-bench-activities prove STORE");
    return 2;
}
var key = new MasterKey(new byte[32]);
// Indexes over all rows take longer than a statement may in service: PostgreSQL is given as Npgsql's own connection string.
await using var store = url.StartsWith("Host=", StringComparison.Ordinal)
    ? await Store.OpenPostgresAsync(url, null, key, TimeProvider.System, NullLoggerFactory.Instance)
    : await Store.OpenAsync(url, key, TimeProvider.System, NullLoggerFactory.Instance);
if (args[0] == "fill")
    await new Feed(store).FillAsync(args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 10_000_000);
if (args[0] == "measure")
    await FeedPages.MeasureAsync(store, args.Length > 2 ? args[2] : "");
if (args[0] is "measure" or "prove")
    await FeedPages.ProveAsync(store);
return 0;
