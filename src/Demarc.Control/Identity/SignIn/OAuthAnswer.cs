using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Demarc.Control.Identity.SignIn;

/// <summary>Answers in OAuth's shape (RFC 6749, 5).</summary>
internal static class OAuthAnswer
{
    // Far more than any client sends; and a form is read before anybody is known.
    private const long MaxForm = 64 << 10;

    public static Task ErrorAsync(HttpContext http, int status, string error, string? description = null)
    {
        http.Response.Headers["x-should-retry"] = "false";
        return WriteAsync(http, status, JsonSerializer.SerializeToUtf8Bytes(description is null ? (object)new { error } : new { error, error_description = description }));
    }

    public static async Task WriteAsync(HttpContext http, int status, byte[] json)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = json.Length;
        await http.Response.Body.WriteAsync(json, http.RequestAborted);
    }

    /// <summary>The form of a request, empty where it has none; null for one that cannot be read.</summary>
    /// <param name="most">Bytes.</param>
    public static async Task<IFormCollection?> FormAsync(HttpContext http, long most = MaxForm)
    {
        if (!http.Request.HasFormContentType)
            return FormCollection.Empty;
        if (http.Request.ContentLength is not { } length || length > most)
            return null;
        try
        {
            return await http.Request.ReadFormAsync(new FormOptions { ValueLengthLimit = (int)most, BufferBodyLengthLimit = most }, http.RequestAborted);
        }
        catch (Exception e) when (e is InvalidDataException or BadHttpRequestException)
        {
            return null;
        }
    }
}
