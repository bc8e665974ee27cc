using System.Net;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Policy;

namespace Demarc.Proxy.Admission;

/// <summary>Which deployments of a plan may be asked from a client's address.</summary>
internal static class NetworkAdmission
{
    /// <summary>Leaves out the deployments of resources that deny the address; the refusal of the first where none is left.</summary>
    public static Refusal? Permitted(DeploymentSnapshot[] plan, IPAddress? address, out DeploymentSnapshot[] permitted)
    {
        Refusal? denied = null;
        permitted = plan;
        foreach (var deployment in plan)
        {
            if (deployment.Resource.Network.Refuse(address, $"the resource \"{deployment.Resource.Name}\"") is not { } refusal)
                continue;
            denied ??= refusal;
            permitted = Array.FindAll(permitted, d => d.Resource != deployment.Resource);
        }
        return permitted.Length == 0 ? denied : null;
    }
}
