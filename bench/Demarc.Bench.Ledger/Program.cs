using System.Globalization;
using Demarc.Bench.Ledger;
using Demarc.Governance.Evidence;
using Demarc.Storage;
using Microsoft.Extensions.Logging.Abstractions;

// demarc-bench-ledger fill|measure STORE [ROWS]: a year of a thousand people's settlements, and reports over it.
if (args is not ["fill" or "measure", var url, ..])
{
    await Console.Error.WriteLineAsync("usage: demarc-bench-ledger fill STORE [ROWS]\n       demarc-bench-ledger measure STORE");
    return 2;
}
await using var store = await Store.OpenAsync(url, new MasterKey(new byte[32]), TimeProvider.System, NullLoggerFactory.Instance);
if (args[0] == "fill")
    await new Year(store).FillAsync(args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 10_000_000);
else
    await Reports.MeasureAsync(store);
return 0;
