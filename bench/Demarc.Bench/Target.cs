namespace Demarc.Bench;

/// <summary>One way to the simulator.</summary>
/// <param name="Name">As reports show it.</param>
internal sealed record Target(string Name, Uri Url, string Key)
{
    public const string Direct = "direct";
    public const string PassThrough = "pass-through";
    public const string Nginx = "nginx";
    public const string Sqlite = "demarc-sqlite";
    public const string Postgres = "demarc-postgres";
}
