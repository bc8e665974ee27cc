using System.CommandLine;
using Demarc.Control.AdminApi;
using Demarc.Storage.Directory;

namespace Demarc.Commands;

/// <summary><c>demarc sign-in</c>.</summary>
internal static class SignInCommands
{
    public static Command Create() => new("sign-in", "Who is signed in, and on what") { List(), End() };

    private static Command List() => new Command("list", "List the sessions that hold, newest first").Runs(async context =>
    {
        var installation = await context.OpenAsync();
        context.Output.List(
            await installation.Store.SignIns.ListAsync(installation.Organization.Id), Shape, "Nobody is signed in.",
            ["id", "person", "issuer", "from", "refreshed", "ends"],
            s => [s.Id, s.Email, s.Issuer, s.IpAddress, Output.Minute(s.RotatedAt), Output.Minute(s.ExpiresAt)]);
    });

    private static Command End()
    {
        var id = new Argument<string>("ID") { Description = "A signin_… id" };
        return new Command("end", "End a session and what runs under it, within five seconds") { id }.Runs(async context =>
        {
            var installation = await context.OpenAsync();
            if (!await installation.Store.SignIns.EndAsync(installation.Organization.Id, context.Get(id), "revoked", context.Actor))
                throw new CommandException($"There is no session {context.Get(id)} that holds. See: demarc sign-in list");
            context.Output.Done(new { Id = context.Get(id), Status = "revoked" }, $"{context.Get(id)} has ended.");
        });
    }

    private static object Shape(StoredSignIn s) => new
    {
        s.Id,
        s.UserId,
        s.Email,
        s.Issuer,
        s.IpAddress,
        RefreshedAt = Rfc3339.Text(s.RotatedAt),
        ExpiresAt = Rfc3339.Text(s.ExpiresAt),
    };
}
