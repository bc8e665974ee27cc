using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Demarc.Bench.Report;

/// <summary>One process's samples, added up by thread, by what ran, and by whose code of ours it ran for.</summary>
internal sealed partial class PerfSamples
{
    private const int Shown = 30;

    private readonly Dictionary<string, int> _threads = [];
    private readonly Dictionary<string, int> _self = [];
    private readonly Dictionary<string, int> _nearest = [];
    private readonly Dictionary<string, int> _inclusive = [];
    private int _count;
    private int _all;

    /// <param name="script">Of <c>perf script -F comm,pid,tid,ip,sym,dso</c>.</param>
    public static PerfSamples Read(string script, int process)
    {
        var samples = new PerfSamples();
        foreach (var sample in script.Split("\n\n", StringSplitOptions.RemoveEmptyEntries))
            samples.Add(sample.Trim('\n').Split('\n'), process);
        return samples;
    }

    public string Write(string title)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"# {title}\n\n{_count} samples of it, {_all} of the whole machine. Native code keeps no frame pointers: a stack through it ends there.\n");
        Write(text, "By thread", _threads);
        Write(text, "Self", _self);
        Write(text, "Nearest Demarc method (itself and what it calls)", _nearest);
        Write(text, "Inclusive, Demarc methods", _inclusive);
        return text.ToString();
    }

    private void Add(string[] lines, int process)
    {
        var head = Head().Match(lines[0]);
        if (!head.Success)
            return;
        _all++;
        if (head.Groups["pid"].ValueSpan is var pid && int.Parse(pid, CultureInfo.InvariantCulture) != process)
            return;
        _count++;
        var thread = head.Groups["comm"].Value;
        Count(_threads, thread);
        var frames = lines[1..].Select(line => Frame().Match(line)).Where(m => m.Success).ToArray();
        if (frames.Length == 0)
            return;
        var top = Name(frames[0].Groups["sym"].Value);
        var module = Path.GetFileName(frames[0].Groups["dso"].Value);
        Count(_self, top == "[unknown]" ? module : module.StartsWith("[kernel", StringComparison.Ordinal) ? $"{top} [kernel]" : top);
        var ours = frames.Select(f => Name(f.Groups["sym"].Value)).Where(name => name.StartsWith("Demarc.", StringComparison.Ordinal)).ToArray();
        Count(_nearest, ours.FirstOrDefault() ?? $"({thread}: none)");
        foreach (var name in ours.Distinct())
            Count(_inclusive, name);
    }

    private void Write(StringBuilder text, string title, Dictionary<string, int> counts)
    {
        text.Append(CultureInfo.InvariantCulture, $"\n## {title}\n\n");
        foreach (var (name, count) in counts.OrderByDescending(c => c.Value).Take(Shown))
            text.Append(CultureInfo.InvariantCulture, $"{100.0 * count / _count,6:0.00} %  {(name.Length > 150 ? name[..150] : name)}\n");
    }

    private static void Count(Dictionary<string, int> counts, string name) => counts[name] = counts.GetValueOrDefault(name) + 1;

    // The map names managed methods as "RETURN [ASSEMBLY] TYPE::METHOD(PARAMETERS)[TIER]".
    private static string Name(string symbol) => Managed().Match(symbol) is { Success: true } managed ? managed.Groups["name"].Value : Offset().Replace(symbol, "");

    [GeneratedRegex(@"^(?<comm>.+?)\s+(?<pid>\d+)/\d+")]
    private static partial Regex Head();

    [GeneratedRegex(@"^\s*[0-9a-f]+ (?<sym>.*) \((?<dso>[^()]*)\)\s*$")]
    private static partial Regex Frame();

    [GeneratedRegex(@"\] (?<name>[\w.`+<>\[\],]+::[\w<>.|$`]+)\(")]
    private static partial Regex Managed();

    [GeneratedRegex(@"\+0x[0-9a-f]+$")]
    private static partial Regex Offset();
}
