using System.Security.Cryptography;
using Demarc.Governance.Evidence;

namespace Demarc.Governance.Identity;

/// <summary>ECDSA P-256 keys derived from the master key, so that every replica has the same ones and nothing more is kept.</summary>
public static class P256
{
    /// <param name="purpose">Another gives another key.</param>
    public static ECDsa Derive(MasterKey master, string purpose)
    {
        for (var turn = 0; ; turn++)
        {
            try
            {
                return ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = master.Derive($"{purpose}{turn}") });
            }
            catch (CryptographicException) when (turn < 8)
            {
                // One secret in 2^32 is no scalar of the curve: the next one is.
            }
        }
    }
}
