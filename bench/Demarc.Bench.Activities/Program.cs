using System.Globalization;
using Demarc.Bench.Activities;
using Demarc.Governance.Evidence;
using Demarc.Storage;
using Microsoft.Extensions.Logging.Abstractions;

// demarc-bench-activities fill|measure STORE [ROWS]: ten million activities, pages of them by every filter, and proofs.
if (args is not ["fill" or "measure", var url, ..])
{
    await Console.Error.WriteLineAsync("usage: demarc-bench-activities fill STORE [ROWS]\n       demarc-bench-activities measure STORE");
    return 2;
}
await using var store = await Store.OpenAsync(url, new MasterKey(new byte[32]), TimeProvider.System, NullLoggerFactory.Instance);
if (args[0] == "fill")
    await new Feed(store).FillAsync(args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 10_000_000);
else
    await Pages.MeasureAsync(store);
return 0;
