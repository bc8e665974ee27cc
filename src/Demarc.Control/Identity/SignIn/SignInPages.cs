using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Http;

namespace Demarc.Control.Identity.SignIn;

/// <summary>What people see in the browser: server-rendered, without scripts, framed by nobody.</summary>
internal static class SignInPages
{
    private const string Style =
        "body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:4rem auto;padding:0 1rem}input,button{font:inherit;padding:.5rem .75rem}input{letter-spacing:.1em;text-transform:uppercase}";

    private static readonly string Policy =
        $"default-src 'none'; style-src 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Style)))}'; base-uri 'none'; frame-ancestors 'none'";

    public static Task CodeAsync(HttpContext http, string? code, string[] issuers, int status = 200, string? problem = null)
    {
        var buttons = string.Concat(issuers.Select(i => $"<button name=\"issuer\" value=\"{Encode(i)}\">Continue with {Encode(i)}</button> "));
        return WriteAsync(http, status, "Sign in", $"""
            {(problem is null ? "" : $"<p role=\"alert\">{Encode(problem)}</p>")}
            <p>Continue only if you have just asked to sign in yourself, and your own terminal shows this very code. Nobody will ever send you one.</p>
            <form method="post" action="/device">
            <p><label>Code <input name="user_code" value="{Encode(code ?? "")}" autocomplete="off" required maxlength="20"></label></p>
            <p>{buttons}</p>
            </form>
            """);
    }

    public static Task MessageAsync(HttpContext http, int status, string title, string message) =>
        WriteAsync(http, status, title, $"<p>{Encode(message)}</p>");

    /// <summary>A form that the person sends on to another site.</summary>
    public static Task ForwardAsync(HttpContext http, Uri to, string name, string field, string value) => WriteAsync(http, 200, "Sign in", $"""
        <form method="post" action="{Encode(to.AbsoluteUri)}">
        <input type="hidden" name="{field}" value="{Encode(value)}">
        <p><button>Continue to {Encode(name)}</button></p>
        </form>
        """);

    private static Task WriteAsync(HttpContext http, int status, string title, string body)
    {
        var headers = http.Response.Headers;
        headers.ContentSecurityPolicy = Policy;
        headers.XFrameOptions = "DENY";
        headers.XContentTypeOptions = "nosniff";
        // A code in the address goes to no other site; and forms still say where they come from.
        headers["Referrer-Policy"] = "same-origin";
        http.Response.StatusCode = status;
        http.Response.ContentType = "text/html; charset=utf-8";
        return http.Response.WriteAsync($"""
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{Encode(title)}</title><style>{Style}</style></head>
            <body><h1>{Encode(title)}</h1>
            {body}
            </body></html>
            """, http.RequestAborted);
    }

    private static string Encode(string text) => HtmlEncoder.Default.Encode(text);
}
