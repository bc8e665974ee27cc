using System.Diagnostics;
using Demarc.Governance;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Governance.Policy;
using Demarc.Governance.Spend;
using Demarc.Governance.Wire;
using Demarc.Proxy.Ingress;
using Demarc.Proxy.Limits;
using Demarc.Proxy.Settlement;
using Microsoft.AspNetCore.Http;

namespace Demarc.Proxy;

/// <summary>One request on its way: what each step of the path learned and the next one needs.</summary>
internal sealed class Exchange
{
    public required HttpContext Http { get; init; }

    public required Dialect Dialect { get; init; }

    public required Operation Operation { get; init; }

    /// <summary>The resource of the path; null outside of a resource's path.</summary>
    public required string? Resource { get; init; }

    /// <summary>What the path says of the body: its form, and the model and stream that it names itself.</summary>
    public required ScanOptions Path { get; init; }

    public required GatewaySnapshot Snapshot { get; init; }

    /// <summary>Version 7; <c>req_…</c> in answers and records.</summary>
    public required Guid Id { get; init; }

    public required string IdText { get; init; }

    /// <summary><see cref="Stopwatch"/> ticks at arrival.</summary>
    public required long Arrived { get; init; }

    /// <summary>Unix milliseconds at arrival.</summary>
    public required long At { get; init; }

    public Principal Principal { get; set; } = null!;

    public ActorRecord Actor { get; set; } = null!;

    public string SessionId { get; set; } = "";

    public RequestBody Body { get; set; } = null!;

    public RequestFacts Facts { get; set; } = null!;

    public DeploymentSnapshot Deployment { get; set; } = null!;

    /// <summary>The number of the attempt at <see cref="Deployment"/>, from 1.</summary>
    public int Attempt { get; set; } = 1;

    /// <summary>An attempt that was given up may still be reading the body: it is not for the pool any more.</summary>
    public bool IsBodyRead { get; set; }

    /// <summary>It counts in the rate of <see cref="Deployment"/>.</summary>
    public bool HasPlace { get; set; }

    /// <summary>The rate limits that the request counts in; null where none does.</summary>
    public RateHold? Rates { get; set; }

    /// <summary>What is reserved of the limits that count the request; null where none does.</summary>
    public RequestSpend? Spend { get; set; }

    /// <summary>The attempt under way had the whole request: the provider may bill it, whatever is seen of its answer.</summary>
    public bool MayBeBilled { get; set; }

    public CaptureMode Capture { get; set; }

    /// <summary>What is captured beside the conversation, where that is.</summary>
    public CaptureParts CaptureAlso { get; set; }

    /// <summary>The rule that has it go over private addresses only; null for none.</summary>
    public string? PrivateNetwork { get; set; }

    /// <summary>Done when <c>begun</c> is durable: no response byte leaves before.</summary>
    public Task Begun { get; set; } = Task.CompletedTask;

    /// <summary><c>begun</c> is under way, and wants a <c>finished</c>.</summary>
    public bool HasBegun { get; set; }

    /// <summary>What is captured of the request; null when nothing is.</summary>
    public SessionCapture? Captured { get; set; }

    /// <summary>Nothing is captured although the policy says so, as the store is away.</summary>
    public bool IsUncaptured { get; set; }

    public AnswerFacts Answer { get; } = new();

    /// <summary>True once the <c>finished</c> record is under way: a request has one, whatever happens to its answer afterwards.</summary>
    public bool IsSettled { get; set; }

    /// <summary>Microseconds from arrival to the provider's first byte; 0 until it came.</summary>
    public long FirstByteUs { get; set; }

    public long ElapsedUs => (long)Stopwatch.GetElapsedTime(Arrived).TotalMicroseconds;

    /// <summary>What prices the call to <see cref="Deployment"/>: by what the request asks, and once there is an answer by what that says.</summary>
    public CallTerms Terms(AnswerUsage? answered = null) => Terms(Deployment, answered);

    /// <summary>The same of another deployment of the plan.</summary>
    public CallTerms Terms(DeploymentSnapshot deployment, AnswerUsage? answered = null)
    {
        var day = DateOnly.FromDateTime(DateTimeOffset.FromUnixTimeMilliseconds(At).UtcDateTime);
        return CallTerms.Of(
            Snapshot.Catalog, deployment, day, answered?.InferenceGeo ?? Facts.InferenceGeo,
            answered?.Speed is { } speed ? speed == "fast" ? Speed.Fast : Speed.Standard : CallTerms.SpeedOf(Snapshot.Catalog, deployment.Model, day, Facts.AsksFast),
            batch: answered?.ServiceTier == "batch");
    }

    /// <summary>The name to put back where the provider answers with the dispatched one; null when they are the same.</summary>
    public string? AskedName => Facts.Model == Deployment.Name ? null : Facts.Model;
}
