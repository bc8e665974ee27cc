using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Demarc.Governance.Wire;

/// <summary>The form a platform wants, and what its body is to say.</summary>
/// <param name="Model">The deployment's name; null where the address names it and the body must not.</param>
/// <param name="Stream">Null where the address says it and the body must not.</param>
/// <param name="Betas">The betas that the body carries; used by <see cref="BodyForm.Bedrock"/> only, elsewhere the header has them.</param>
/// <param name="InferenceGeo">To be added where the body names none; null for leaving it alone.</param>
public readonly record struct DialectTarget(BodyForm Form, string? Model, bool? Stream, string[] Betas, string? InferenceGeo = null);

/// <summary>
/// Turns a body of any form into any other by splices alone: members of the object are put in, taken out or given
/// another value, and every other byte stays where it is.
/// </summary>
public static class DialectSplices
{
    /// <summary>Page "Claude on Amazon Bedrock".</summary>
    public const string BedrockVersion = "bedrock-2023-05-31";

    /// <summary>Page "Claude on Google Cloud".</summary>
    public const string VertexVersion = "vertex-2023-10-16";

    /// <summary>The splices in ascending order; empty when the body fits as it is.</summary>
    public static Splice[] For(ReadOnlySpan<byte> body, RequestFacts facts, DialectTarget target)
    {
        var edit = new Edit(facts);
        Model(edit, facts, target.Model);
        Stream(edit, body, facts, target.Stream);
        Version(edit, body, facts, target.Form);
        Betas(edit, facts, target);
        if (target.InferenceGeo is { } geo && facts.InferenceGeo is null)
        {
            if (facts.InferenceGeoMember.IsEmpty)
                edit.Insert(Splice.Dialect, "inference_geo", Quoted(geo));
            else
                edit.Replace(Splice.Dialect, facts.InferenceGeoMember, Quoted(geo));
        }
        return edit.Splices();
    }

    private static void Model(Edit edit, RequestFacts facts, string? name)
    {
        if (name is null)
            edit.Remove(Splice.Model, facts.ModelMember);
        else if (facts.ModelMember.IsEmpty)
            edit.Insert(Splice.Model, "model", Quoted(name));
        else if (facts.Model != name)
            edit.Replace(Splice.Model, facts.ModelMember, Quoted(name));
    }

    private static void Stream(Edit edit, ReadOnlySpan<byte> body, RequestFacts facts, bool? stream)
    {
        if (stream is not { } wanted)
            edit.Remove(Splice.Dialect, facts.StreamMember);
        else if (facts.StreamMember.IsEmpty && wanted)
            edit.Insert(Splice.Dialect, "stream", "true");
        else if (!facts.StreamMember.IsEmpty && body[facts.StreamMember.Value.Start] == 't' != wanted)
            edit.Replace(Splice.Dialect, facts.StreamMember, wanted ? "true" : "false");
    }

    private static void Version(Edit edit, ReadOnlySpan<byte> body, RequestFacts facts, BodyForm form)
    {
        if (form == BodyForm.Anthropic)
        {
            // In a body of that form it is an unknown field, and those pass.
            if (facts.Form != BodyForm.Anthropic)
                edit.Remove(Splice.Dialect, facts.VersionMember);
            return;
        }
        var version = Quoted(form == BodyForm.Bedrock ? BedrockVersion : VertexVersion);
        if (facts.VersionMember.IsEmpty)
            edit.Insert(Splice.Dialect, "anthropic_version", version);
        else if (facts.Form != form && Encoding.UTF8.GetString(facts.VersionMember.Value.Of(body)) != version)
            edit.Replace(Splice.Dialect, facts.VersionMember, version);
    }

    private static void Betas(Edit edit, RequestFacts facts, DialectTarget target)
    {
        // In a body of Anthropic's own form it is an unknown field. Elsewhere it would hold, without having been decided on.
        if (target.Form != BodyForm.Bedrock || (facts.Form == BodyForm.Anthropic && target.Betas.Length == 0))
        {
            if (facts.Form != BodyForm.Anthropic || target.Form != BodyForm.Anthropic)
                edit.Remove(Splice.Betas, facts.BetasMember);
            return;
        }
        if (target.Betas.AsSpan().SequenceEqual(facts.Betas))
            return;
        var betas = $"[{string.Join(',', target.Betas.Select(Quoted))}]";
        if (facts.BetasMember.IsEmpty)
            edit.Insert(Splice.Betas, "anthropic_beta", betas);
        else
            edit.Replace(Splice.Betas, facts.BetasMember, betas);
    }

    private static string Quoted(string text) => $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

    /// <summary>Collects changes to an object's members and works out their commas.</summary>
    private sealed class Edit(RequestFacts facts)
    {
        private readonly List<(string Name, string Text)> _inserts = [];
        private readonly List<(string Name, Member Member)> _removals = [];
        private readonly List<Splice> _splices = [];

        public void Insert(string name, string key, string value) => _inserts.Add((name, $"\"{key}\":{value}"));

        public void Replace(string name, Member member, string value) =>
            _splices.Add(new Splice(name, member.Value, Encoding.UTF8.GetBytes(value)));

        public void Remove(string name, Member member)
        {
            if (!member.IsEmpty)
                _removals.Add((name, member));
        }

        public Splice[] Splices()
        {
            Removals();
            _splices.Sort(static (a, b) => a.At.Start.CompareTo(b.At.Start));
            if (_inserts.Count == 0)
                return [.. _splices];
            // New members come first in the object; only where nothing is behind them do they end without a comma.
            var alone = facts.MemberCount == _removals.Count;
            var at = new Slice(facts.ObjectStart + 1, 0);
            var inserted = _inserts.Select((insert, i) => new Splice(
                insert.Name, at, Encoding.UTF8.GetBytes(alone && i == _inserts.Count - 1 ? insert.Text : insert.Text + ",")));
            return [.. inserted, .. _splices];
        }

        // Members side by side go in one run: its comma behind it goes too, or the one before it where it ends the object.
        private void Removals()
        {
            _removals.Sort(static (a, b) => a.Member.At.Start.CompareTo(b.Member.At.Start));
            for (var first = 0; first < _removals.Count;)
            {
                var last = first;
                while (last + 1 < _removals.Count && _removals[last + 1].Member.At.Start == _removals[last].Member.NextStart)
                    last++;
                var opening = _removals[first].Member;
                var closing = _removals[last].Member;
                var start = closing.NextStart < 0 && opening.PreviousEnd >= 0 ? opening.PreviousEnd : opening.At.Start;
                var end = closing.NextStart < 0 ? closing.At.End : closing.NextStart;
                _splices.Add(new Splice(_removals[first].Name, new Slice(start, end - start), []));
                first = last + 1;
            }
        }
    }
}
