using Demarc.Governance.Boundaries;

namespace Demarc.Governance.Policy;

/// <summary>Why a deployment is not in a plan.</summary>
/// <param name="Code">Stable, such as <c>zdr_model</c> or <c>inference_geography</c>.</param>
/// <param name="Message">What is wrong, and what to do.</param>
/// <param name="Rule">Which rule says so, such as <c>policies[1].require.zdr</c>; null where none does.</param>
/// <param name="Field">The field of the request that the deployment cannot take; null when it is not the request.</param>
public sealed record Rejection(DeploymentSnapshot Deployment, string Code, string Message, string? Rule, string? Field = null);
