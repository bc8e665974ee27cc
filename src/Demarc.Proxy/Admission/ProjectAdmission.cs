using Demarc.Governance.Identity;
using Demarc.Governance.Policy;
using Microsoft.AspNetCore.Http;

namespace Demarc.Proxy.Admission;

/// <summary>The project that a request is for (<see cref="RequestProject"/>).</summary>
internal static class ProjectAdmission
{
    /// <summary>The exchange goes on as its principal at work for the project; the refusal where it cannot.</summary>
    public static Refusal? Enter(Exchange x)
    {
        var principal = x.Principal;
        var refusal = Enter(ref principal, x.Http.Request);
        x.Principal = principal;
        return refusal;
    }

    public static Refusal? Enter(ref Principal principal, HttpRequest request) =>
        RequestProject.Enter(ref principal, request.Headers[RequestProject.Header] is [{ } named, ..] ? named.Trim() : null);
}
