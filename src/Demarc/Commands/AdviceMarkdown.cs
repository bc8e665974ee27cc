using System.Globalization;
using System.Text;
using Demarc.Governance.Boundaries;

namespace Demarc.Commands;

/// <summary>Advice as a document: the ranking, then each requirement with every way's verdict, reason and sources.</summary>
internal static class AdviceMarkdown
{
    public static string Of(JudgedWay[] judged)
    {
        var text = new StringBuilder("# Ways to buy and run Claude\n\n");
        text.Append("| | way | met | blocked by | disputed or unknown | partly |\n|---|---|---|---|---|---|\n");
        foreach (var (i, way) in judged.Index())
        {
            Row(text, $"{i + 1}", AdviseCommand.Title(way), string.Create(CultureInfo.InvariantCulture, $"{way.With(Verdict.Met).Count()} of {way.Judgements.Length}"),
                AdviseCommand.Names(way, Verdict.NotMet), AdviseCommand.Names(way, Verdict.Disputed, Verdict.Unknown), AdviseCommand.Names(way, Verdict.Partly));
        }
        foreach (var way in judged.Where(j => j is { IsBehind: true, Way.Behind: not null }))
            text.Append(CultureInfo.InvariantCulture, $"\n{AdviseCommand.Title(way)}: {way.Way.Behind}\n");
        for (var i = 0; i < judged[0].Judgements.Length; i++)
        {
            var asked = judged[0].Judgements[i].Asked;
            text.Append(CultureInfo.InvariantCulture, $"\n## {asked.Requirement.Title}{(asked.Text.Length > 0 ? $": {asked.Text}" : "")}\n\n");
            text.Append("| way | verdict | why | source |\n|---|---|---|---|\n");
            foreach (var way in judged.OrderBy(j => j.Way.Id, StringComparer.Ordinal).ThenBy(j => j.IsBehind))
            {
                var one = way.Judgements[i];
                Row(text, AdviseCommand.Title(way), AdviseCommand.Text(one), AdviseCommand.Why(one), string.Join("; ", one.Sources.Select(Link)));
            }
        }
        return text.ToString();
    }

    private static void Row(StringBuilder text, params string?[] cells) =>
        text.Append("| ").AppendJoin(" | ", cells.Select(c => c?.Replace("|", "\\|", StringComparison.Ordinal))).Append(" |\n");

    private static string Link(CatalogSource source)
    {
        var date = source.Date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        return source.Url is null ? $"{source.Title}, {date}" : $"[{source.Title}]({source.Url}), {date}";
    }
}
