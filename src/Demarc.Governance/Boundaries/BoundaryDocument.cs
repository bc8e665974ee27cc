using System.Globalization;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using Demarc.Governance.Identity;
using Demarc.Governance.Wire;

namespace Demarc.Governance.Boundaries;

/// <summary>
/// A deployment's data path as it goes on record: every fact with status, date and sources, hop by hop, as JSON that the
/// same boundary always gives byte for byte. Its id names it by a hash of those bytes, so that a record needs no more.
/// </summary>
public static class BoundaryDocument
{
    private const string Prefix = "bnd_";

    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary><c>bnd_</c> and 22 digits: the first 16 bytes of the SHA-256 of the document.</summary>
    public static string IdOf(ReadOnlySpan<byte> document) => Ids.From(Prefix, new Guid(SHA256.HashData(document).AsSpan(0, 16), bigEndian: true));

    public static byte[] Of(DeploymentSnapshot deployment)
    {
        using var output = new MemoryStream();
        using (var json = new Utf8JsonWriter(output, Options))
        {
            json.WriteStartObject();
            json.WriteString("deployment", deployment.FullName);
            json.WriteString("platform", deployment.Resource.Platform.Wire());
            json.WriteString("hosting", deployment.Hosting.Wire());
            json.WriteString("scope", deployment.Scope);
            json.WriteString("region", deployment.Resource.Region);
            json.WriteString("model", deployment.Model);
            json.WriteStrings("agreements", deployment.Resource.Agreements);
            json.WriteStartArray("hops");
            foreach (var hop in Enum.GetValues<Hop>())
            {
                json.WriteStartObject();
                json.WriteString("hop", hop.Wire());
                json.WriteStartArray("facts");
                foreach (var kind in FactKinds.Of(hop))
                    Write(json, kind.Wire(), deployment.Boundary[hop, kind]);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return output.ToArray();
    }

    private static void Write(Utf8JsonWriter json, string name, Fact fact)
    {
        json.WriteStartObject();
        json.WriteString("fact", name);
        json.WriteString("value", fact.Text);
        json.WriteString("status", fact.Status.Wire());
        if (fact.Date is { } date)
            json.WriteString("date", Iso(date));
        if (fact.Declaration is { } declared)
        {
            json.WriteString("reason", declared.Reason);
            if (declared.Agreement is not null)
                json.WriteString("agreement", declared.Agreement);
        }
        if (fact.Check is { } check)
            json.WriteString("source", check.Source);
        if (fact.Statements.Length > 0)
        {
            json.WriteStartArray("statements");
            foreach (var statement in fact.Statements)
            {
                json.WriteStartObject();
                json.WriteStrings("values", statement.Values);
                json.WriteStartArray("sources");
                foreach (var source in statement.Sources)
                {
                    json.WriteStartObject();
                    json.WriteString("title", source.Title);
                    json.WriteString("url", source.Url?.AbsoluteUri);
                    json.WriteString("date", Iso(source.Date));
                    json.WriteEndObject();
                }
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        json.WriteEndObject();
    }

    private static string Iso(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
