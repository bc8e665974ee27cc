using Demarc.Control.Compliance;
using Demarc.Governance.Evidence;
using Demarc.Storage.Evidence;

namespace Demarc.Control.Exports;

/// <summary>One activity on its way out: what every format has of it. Never content.</summary>
internal sealed class ExportedActivity
{
    private static readonly string[] Failures = ["_refused", "_failed", "_mismatch", "_unreadable", "_denied"];

    private readonly Lazy<byte[]> _ocsf;

    /// <param name="paths">Data paths by id, as JSON.</param>
    public ExportedActivity(string organizationId, Activity activity, IReadOnlyDictionary<string, byte[]> paths)
    {
        OrganizationId = organizationId;
        Read = ActivityJson.Of(activity);
        Id = ActivityJson.Id(activity);
        _ocsf = new Lazy<byte[]>(() => Ocsf.Of(this, paths), LazyThreadSafetyMode.None);
    }

    public string OrganizationId { get; }

    public ActivityJson.Read Read { get; }

    public string Id { get; }

    public long Position => Read.Activity.Position;

    /// <summary>Unix milliseconds.</summary>
    public long At => Read.Activity.At;

    public string Type => Read.Activity.Type;

    public ActorRecord? Actor => Read.Event?.Actor ?? Read.Begun?.Actor;

    public BegunRecord? Begun => Read.Begun;

    public FinishedRecord? Finished => Read.Finished;

    public string? SessionId => Read.Activity.SessionId;

    /// <summary>The deployment that answered, or was asked first; null for an event.</summary>
    public AttemptRecord? Attempt => Finished?.AnsweredBy ?? Begun?.Attempt;

    /// <summary>An HTTP status; null where there was none.</summary>
    public int? Status => Finished?.Status ?? (int.TryParse(Field("status_code") ?? Field("status"), out var status) ? status : null);

    public bool IsFailure => Finished is { } finished ? finished.Result != "answered"
        : Status is >= 400 || Array.Exists(Failures, f => Type.EndsWith(f, StringComparison.Ordinal));

    /// <summary>Why it failed, as a code; null where there is none.</summary>
    public string? Reason => Finished is { } finished ? finished.ErrorType ?? (IsFailure ? finished.Result : null) : Field("reason") ?? Field("problem");

    public EventSeverity Severity => Type switch
    {
        "demarc_boundary_mismatch" or "demarc_record_unreadable" or "demarc_spend_overrun" or "demarc_export_failed" => EventSeverity.High,
        _ when Finished is null && IsFailure => EventSeverity.Medium,
        _ when IsFailure => EventSeverity.Low,
        _ => EventSeverity.Informational,
    };

    /// <summary>OCSF JSON, UTF-8, on one line.</summary>
    public byte[] Json => _ocsf.Value;

    /// <summary>A field of an event; null where it has none of that name.</summary>
    public string? Field(string name) => Read.Event?.Fields.GetValueOrDefault(name);
}

/// <summary>By OCSF's <c>severity_id</c>.</summary>
internal enum EventSeverity
{
    Informational = 1,
    Low = 2,
    Medium = 3,
    High = 4,
}
