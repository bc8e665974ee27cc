using System.Reflection;

namespace Demarc.Control;

/// <summary>What this program calls itself to others.</summary>
public static class Product
{
    public const string Name = "Demarc";

    public static readonly string Version = typeof(Product).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";
}
