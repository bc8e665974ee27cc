using System.CommandLine;
using Demarc.Control.Identity.Roles;

namespace Demarc.Commands;

/// <summary><c>demarc access review</c>.</summary>
internal static class AccessCommands
{
    private const int PrincipalsAtOnce = 1000;

    public static Command Create() => new("access", "Who may do what, to be reviewed") { Review() };

    private static Command Review()
    {
        var csv = new Option<bool>("--csv") { Description = "Print CSV" };
        return new Command("review", "List who may do what, by which assignment, and when it was last used") { csv }.Runs(async context =>
        {
            var installation = await context.OpenAsync();
            var review = new AccessReview(installation.Store, installation.Organization.Id, context.Files.Snapshot.Roles);
            var rows = new List<AccessRow>();
            string? next = null;
            do
            {
                (var page, next) = await review.PageAsync(next, PrincipalsAtOnce);
                rows.AddRange(page);
            }
            while (next is not null);
            if (context.Get(csv))
                Console.Write(AccessReview.Csv(rows));
            else
                context.Output.List(
                    rows, r => r, "Nobody has a role.", ["name", "status", "effect", "role", "where", "by", "through", "ends", "last used"],
                    r => [r.Name, r.Status, r.Effect, r.Role, r.Scope, r.By, r.Through, r.ExpiresAt, r.LastUsedAt]);
        });
    }
}
