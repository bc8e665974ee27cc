using System.Globalization;
using Demarc.Bench.Ledger;
using Demarc.Governance.Evidence;
using Demarc.Storage;
using Microsoft.Extensions.Logging.Abstractions;

// demarc-bench-ledger fill|measure STORE [ROWS]: a year of a thousand people's settlements, and reports over it.
// demarc-bench-ledger sweep STORE [SESSIONS]: sessions past their retention, and the sweep that destroys them.
// demarc-bench-ledger people STORE NUMBER: the organization of the rest, with people who have a key each.
if (args is not ["fill" or "measure" or "sweep" or "people", var url, ..])
{
    await Console.Error.WriteLineAsync(
        "usage: demarc-bench-ledger fill STORE [ROWS]\n       demarc-bench-ledger measure STORE\n       demarc-bench-ledger sweep STORE [SESSIONS]\n       demarc-bench-ledger people STORE NUMBER");
    return 2;
}
await using var store = await Store.OpenAsync(url, new MasterKey(new byte[32]), TimeProvider.System, NullLoggerFactory.Instance);
if (args[0] == "sweep")
    await Sweep.RunAsync(store, args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 100_000);
else if (args[0] == "people")
    await People.MakeAsync(store, int.Parse(args[2], CultureInfo.InvariantCulture));
else if (args[0] == "fill")
    await new Year(store).FillAsync(args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 10_000_000);
else
    await Reports.MeasureAsync(store);
return 0;
