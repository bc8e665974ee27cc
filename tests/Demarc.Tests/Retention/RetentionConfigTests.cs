using Demarc.Control.Configuration;
using Demarc.Tests.Configuration;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Retention;

public sealed class RetentionConfigTests : IDisposable
{
    private readonly ConfigFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("retention: { activities: 179d }", "retention.activities", "180d at least")]
    [InlineData("retention: { transcripts: 6 months }", "retention.transcripts", "accepted: 1d to")]
    [InlineData("retention: { transcripts: 0d }", "retention.transcripts", "accepted: 1d to")]
    [InlineData("retention: { ledger: -1d }", "retention.ledger", "accepted: 1d to")]
    [InlineData("retention: { identities: 99999999999d }", "retention.identities", "accepted: 1d to")]
    [InlineData("retention: { every: 1s }", "retention.every", "no interval")]
    [InlineData("retention: { journal: erasures.jsonl }", "retention.journal", "file:PATH")]
    [InlineData("policies: [{ match: { groups: [a] }, retention: { activities: 400d } }]", "policies[0].retention.activities", "a policy without match")]
    [InlineData("policies: [{ match: { groups: [a] }, retention: { ledger: 400d } }]", "policies[0].retention.ledger", "a policy without match")]
    [InlineData("policies: [{ retention: { activities: 100d } }]", "policies[0].retention.activities", "180d at least")]
    public void What_cannot_hold_is_an_error_that_names_the_field_and_the_fix(string yaml, string path, string message)
    {
        var problem = Assert.Single(_folder.Read(yaml).Problems, p => p.Severity == ConfigSeverity.Error);
        Assert.Equal(path, problem.Path);
        Assert.Contains(message, problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_example_of_the_document_is_read_as_it_stands()
    {
        var yaml = Assert.Single(System.Text.RegularExpressions.Regex.Matches(File.ReadAllText(Repository.Path("docs", "retention.md")), "(?ms)^```yaml\n(.*?)^```")).Groups[1].Value;
        var config = _folder.Read(yaml).Config!;
        Assert.Equal((365, 30), ((int)config.Retention.Periods.Transcripts!.Value.TotalDays, (int)config.Policies[0].Retention.Transcripts!.Value.TotalDays));
    }

    [Fact]
    public void A_policy_for_everyone_and_the_organization_say_how_long_all_is_kept()
    {
        var config = _folder.Read("retention: { activities: 400d, journal: file:apart/e.jsonl }\npolicies: [{ retention: { ledger: 900d } }, { match: { groups: [a] }, retention: { transcripts: 7d } }]\n").Config!;
        Assert.Equal((400, Path.Combine(_folder.Root, "apart", "e.jsonl"), TimeSpan.FromHours(1)), ((int)config.Retention.Periods.Activities!.Value.TotalDays, config.Retention.Journal, config.Retention.Every));
        Assert.Equal((900, 7), ((int)config.Policies[0].Retention.Ledger!.Value.TotalDays, (int)config.Policies[1].Retention.Transcripts!.Value.TotalDays));
        Assert.Equal(Path.Combine(_folder.Sources.DataDirectory, "erasures.jsonl"), _folder.Read("").Config!.Retention.Journal);
    }
}
